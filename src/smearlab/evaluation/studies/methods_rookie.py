"""Team rookie's studies of single methods, the EfficientNet that failed, and what starting weights give."""

from __future__ import annotations

from dataclasses import replace

from smearlab.evaluation.studies.methods import METHOD, MOBILENETV2, STARTING, method_study, two_phases
from smearlab.evaluation.studies.plan import SYSTEM_SCALES, Cell, Scale, ScaleName, Study

_CNN = "rookie/cnn"
_TELLS = "The team's own CNN from scratch, which any computer can train."
_TUNED = (
    "MobileNetV2 at 96 px from ImageNet's weights stands for the networks of the team, as these cannot be had here."
)


def rookie_augmentation() -> Study:
    """Return team rookie's augmentations, alone and combined."""
    basic = '{ name = "flip" }, { name = "rotate", magnitude = 0.1 }, { name = "zoom", magnitude = 0.15 }'
    augmix = f'steps = [{basic}, {{ name = "augmix" }}]'
    policies = {
        "basic": ("basic", f"steps = [{basic}]"),
        "augmix": ("AugMix", augmix),
        "randaugment": ("RandAugment", f'steps = [{basic}, {{ name = "randaugment", magnitude = 0.5 }}]'),
        "mixup": ("MixUp", f"steps = [{basic}], mixup = 0.2, mix_share = 1.0"),
        "mixup-augmix": ("MixUp and AugMix", f"{augmix}, mixup = 0.2, mix_share = 1.0"),
        "gridmask": ("GridMask", f'steps = [{basic}, {{ name = "grid_mask", rate = 0.5 }}]'),
        "cutmix": ("CutMix", f"steps = [{basic}], cutmix = 1.0, mix_share = 1.0"),
    }
    cells = [
        Cell(name, title, METHOD, (_augment(policy),), recipe=_CNN, reported={})
        for name, (title, policy) in policies.items()
    ]
    noisy = (_augment(augmix), "selection.noise=0.05")
    cells.append(Cell("noise", "AugMix, noise on validation", METHOD, noisy, recipe=_CNN, reported={}))
    return method_study(
        "rookie-augmentation", "Team rookie: augmentation", f"Each alone, and together. {_TELLS}", cells
    )


def _augment(keys: str) -> str:
    return f'augment={{ policy = "sequence", {keys} }}'


def rookie_regularisation() -> Study:
    """Return team rookie's penalties and activations."""
    penalties = {
        "l1l2": ("L1L2 .001", 1e-3, 1e-3),
        "none": ("no penalty", 0.0, 0.0),
        "l1": ("L1 .001", 1e-3, 0.0),
        "l2": ("L2 .001", 0.0, 1e-3),
        "l1l2-weak": ("L1L2 .0001", 1e-4, 1e-4),
        "l1l2-strong": ("L1L2 .01", 1e-2, 1e-2),
    }
    cells = [
        Cell(name, title, "Penalties", _penalty(l1, l2), recipe=_CNN, reported={})
        for name, (title, l1, l2) in penalties.items()
    ]
    leaky = ("head.activation=leaky_relu", "network.options.activation=leaky_relu")
    cells.append(Cell("leaky", "LeakyReLU", "Activation", (*_penalty(1e-3, 1e-3), *leaky), recipe=_CNN, reported={}))
    return method_study(
        "rookie-regularisation",
        "Team rookie: penalties and activation",
        f"L1, L2 and both, by strength; ReLU against LeakyReLU. {_TELLS}",
        cells,
    )


def _penalty(l1: float, l2: float) -> tuple[str, ...]:
    """Return the penalties on both dense layers, the output's too."""
    return f"head.l1=[{l1}, {l1}]", f"head.l2=[{l2}, {l2}]"


def rookie_freezing() -> Study:
    """Return the shares that team rookie unfroze."""
    shares = {
        "end": ("the last quarter learns", "share=0.25"),
        "head": ("head only", "share=0.0"),
        "half": ("the last half learns", "share=0.5"),
        "all": ("everything learns", "share=1.0"),
        # Each convolution of MobileNetV2 has a norm of its own: twice as many modules as convolutions.
        "first-2": ("first 2 convolutions and their norms frozen", "share=1.0, freeze_first=4"),
        "first-3": ("first 3 convolutions and their norms frozen", "share=1.0, freeze_first=6"),
        "first-10": ("first 10 convolutions and their norms frozen", "share=1.0, freeze_first=20"),
    }
    cells = [Cell(name, title, METHOD, (two_phases(trainable),)) for name, (title, trainable) in shares.items()]
    return method_study(
        "rookie-freezing", "Team rookie: what is frozen", f"How much is tuned. {_TUNED}", cells, STARTING
    )


def double_scaling() -> Study:
    """Return what dividing by 255 does to a network that scales its pictures itself."""
    head, tuned = two_phases("share=0.0, freeze_norms=true"), two_phases("share=1.0, freeze_norms=true")
    doubled = "network.scaling=doubled"
    efficient = "rookie/efficientnetb0"
    cells = (
        Cell("right-head", "scaled once, head only", "MobileNetV2", (head,)),
        Cell("doubled-head", "scaled twice, head only", "MobileNetV2", (head, doubled)),
        Cell("right", "scaled once, tuned", "MobileNetV2", (tuned,)),
        Cell("doubled", "scaled twice, tuned", "MobileNetV2", (tuned, doubled)),
        Cell("b0-doubled", "EfficientNetB0, scaled twice", "EfficientNetB0", (doubled,), recipe=efficient),
        Cell(
            "b0-right",
            "EfficientNetB0, scaled once",
            "EfficientNetB0",
            ("network.scaling=imagenet",),
            recipe=efficient,
            reported={},
        ),
    )
    return method_study(
        "double-scaling",
        "Dividing by 255 twice",
        "Keras' EfficientNet scales its pictures itself. Pictures divided by 255 before reach it nearly black, all "
        f"alike. {_TUNED}",
        cells,
        (*STARTING, 'augment={ policy = "traditional" }'),
    )


def transfer() -> Study:
    """Return MobileNetV2 from ImageNet's weights and from scratch, on few pictures."""
    cells = (
        Cell("imagenet", "from ImageNet's weights", METHOD),
        Cell("scratch", "from scratch", METHOD, ("network.weights=none",)),
        Cell(
            "scratch-fast",
            "from scratch, four times the rate",
            METHOD,
            ("network.weights=none", "phases.0.learning_rate=4e-3"),
        ),
    )
    return Study(
        "transfer",
        "What starting weights are worth",
        "MobileNetV2 at 96 px, ten epochs of 1,000 training pictures, from ImageNet's weights and from scratch.",
        "imagenet",
        cells,
        (*MOBILENETV2, "phases.0.epochs=10", 'augment={ policy = "light" }'),
        _FEW,
        systems=True,
    )


def _few(name: ScaleName, seeds: int) -> Scale:
    return replace(SYSTEM_SCALES["small"], name=name, pictures=1000, seeds=seeds)


_FEW: dict[ScaleName, Scale] = {"smoke": SYSTEM_SCALES["smoke"], "small": _few("small", 3), "full": _few("full", 5)}
