"""The studies of single methods in the teams' reports, with networks that any computer can train.

Where a team compared them on a large pretrained network, MobileNetV2 from the ImageNet weights that can be had without
a download stands in its place; where on a network from scratch, that network's own recipe is used.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from smearlab.augment.sets import SETS
from smearlab.evaluation.studies.plan import SYSTEM_SCALES, Cell, Study
from smearlab.evaluation.studies.teams import OURS
from smearlab.training.recipe_io import load_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smearlab.augment.config import StepConfig

METHOD = "Methods"
STARTING = (
    *("network.backbone=mobilenetv2_100", "network.options={}", "network.scaling=symmetric"),
    *("network.weights=mobilenet_v2_imagenet.pth", "loss.label_smoothing=0", "ema.decay=0"),
)
_ONE_PHASE = (
    *("phases.0.epochs=30", "phases.0.batch_size=64", "phases.0.min_steps_per_epoch=1", "phases.0.optimiser=adamw"),
    *("phases.0.learning_rate=1e-3", "phases.0.schedule=cosine", "phases.0.warmup_epochs=1"),
)
MOBILENETV2 = (*STARTING, *_ONE_PHASE)
_TELLS = "MobileNetV2 at 96 px from ImageNet's weights, so that every row can be run without a GPU or a download."

WEAK = 'augment={ policy = "geometry" }'
FINAL = (
    'augment={ policy = "sequence", steps = [{ name = "flip" }, { name = "randaugment", rate = 0.91, magnitude = 0.2, '
    'operations = 3 }, { name = "sharpness", magnitude = 0.3 }, { name = "grid_mask", magnitude = 0.4 }, '
    '{ name = "gaussian_noise", magnitude = 0.5 }] }'
)
HEAVY = 'augment={ policy = "pipeline", operations = 5, mixup = 0.2, cutmix = 1.0, mix_share = 0.3 }'


def _copies(per_class: int, steps: Sequence[StepConfig]) -> str:
    """Return the override that fills classes up with copies which steps have altered once."""
    told = ", ".join(
        "{{ {} }}".format(", ".join(f"{key} = {json.dumps(value)}" for key, value in step.model_dump().items()))
        for step in steps
    )
    return f'balance={{ kind = "synthetic", per_class = {per_class}, policy = "sequence", steps = [{told}] }}'


def method_study(
    name: str, title: str, description: str, cells: Sequence[Cell], base: tuple[str, ...] = MOBILENETV2
) -> Study:
    """Return a study whose first row is the one that the others are compared with, and ours the last."""
    return Study(name, title, description, cells[0].name, (*cells, OURS), base, SYSTEM_SCALES, systems=True)


def formidable_augmentation() -> Study:
    """Return the weak and the final pipeline of team formidable."""
    light = "formidable/mobilenetv3-light"
    return method_study(
        "formidable-augmentation",
        "Team formidable: the weak and the final pipeline",
        f"Flips, crops and shifts against RandAugment, sharpness, GridMask and noise. {_TELLS} And the team's own "
        "MobileNetV3 light, from scratch.",
        (
            Cell("weak", "weak, MobileNetV2", "MobileNetV2", (WEAK,)),
            Cell("final", "final, MobileNetV2", "MobileNetV2", (FINAL,)),
            Cell("weak-v3", "weak, MobileNetV3 light", "MobileNetV3 light", (WEAK,), recipe=light, reported={}),
            Cell("final-v3", "final, MobileNetV3 light", "MobileNetV3 light", (), recipe=light, reported={}),
        ),
    )


def pacapa_augmentation() -> Study:
    """Return the light, moderate and heavy augmentation of team ai_pacapa, drawn while training and made once."""
    light = "balance={ kind = 'synthetic', per_class = 2500, policy = 'light' }"
    moderate, heavy = _copies(3750, SETS["moderate"].config.steps), _copies(5000, SETS["heavy"].config.steps)
    return method_study(
        "ai-pacapa-augmentation",
        "Team ai_pacapa: light, moderate and heavy augmentation",
        "More and harder operations on each picture, drawn anew in every epoch, or written once as the light, moderate "
        f"and heavy sets of `smearlab augment`, without their MixUp and CutMix. {_TELLS}",
        (
            Cell("light", "light", METHOD, ('augment={ policy = "light" }',)),
            Cell("moderate", "moderate", METHOD, ('augment={ policy = "randaugment", magnitude = 0.5 }',)),
            Cell("heavy", "heavy", METHOD, (HEAVY,)),
            Cell("light-set", "light set", "Sets made once", ("augment.policy=none", light)),
            Cell("moderate-set", "moderate set", "Sets made once", ("augment.policy=none", moderate)),
            Cell("heavy-set", "heavy set", "Sets made once", ("augment.policy=none", heavy)),
        ),
    )


def pacapa_optimisers() -> Study:
    """Return the optimisers of team ai_pacapa."""
    rates = {"adam": "1e-3", "adamw": "1e-3", "ranger": "2e-3", "lion": "2e-4"}
    return method_study(
        "ai-pacapa-optimisers",
        "Team ai_pacapa: optimisers",
        f"Adam, AdamW, Ranger and Lion, each at a rate usual for it. {_TELLS}",
        [
            Cell(name, name, METHOD, (f"phases.0.optimiser={name}", f"phases.0.learning_rate={rate}"))
            for name, rate in rates.items()
        ],
    )


def pacapa_cleaning() -> Study:
    """Return what team ai_pacapa tried without gain."""
    asked = "The same network, asked otherwise"
    return method_study(
        "ai-pacapa-cleaning",
        "Team ai_pacapa: cleaner pictures",
        "K-means on the training pictures; high-pass filtering and nuclei alone, in training and prediction or in "
        f"prediction only; doubtful answers drawn towards their cluster's; turned views. {_TELLS}",
        (
            Cell("plain", "plain", METHOD, (HEAVY,)),
            Cell("k-means", "K-means-refined data", METHOD, (HEAVY,), how="refined"),
            Cell("high-pass-trained", "high-pass, trained too", METHOD, (HEAVY, "framing.content=high_pass")),
            Cell("nuclei-trained", "nuclei, trained too", METHOD, (HEAVY, "framing.content=nucleus")),
            Cell("high-pass", "high-pass at prediction", asked, (HEAVY,), of=("plain",), how="high_pass"),
            Cell("nuclei", "nuclei at prediction", asked, (HEAVY,), of=("plain",), how="nucleus"),
            Cell("cluster-noise", "noise out by cluster", asked, (HEAVY,), of=("plain",), how="clustered"),
            Cell("turned", "test-time augmentation", asked, (HEAVY,), of=("plain",), how="flipped"),
        ),
    )


def november_stages() -> Study:
    """Return the three stages of team november's augmentation."""
    first, second = (load_recipe(f"november/{name}").balance.steps for name in ("mobilenetv3", "efficientnetv2m"))
    drawn = (
        'augment={ policy = "sequence", choose = 2, steps = [{ name = "augmix" }, { name = "zoom", magnitude = 0.3 }, '
        '{ name = "auto_contrast" }, { name = "randaugment", magnitude = 0.5, operations = 3 }] }'
    )
    return method_study(
        "november-stages",
        "Team november: three stages of augmentation",
        "2,500 pictures of each class by simple changes; 5,000 by more and harder ones; drawn anew while training. At "
        f"smaller scales the numbers shrink with the training set. {_TELLS}",
        (
            Cell("stage1", "stage 1", METHOD, ("augment.policy=none", _copies(2500, first))),
            Cell("stage2", "stage 2", METHOD, ("augment.policy=none", _copies(5000, second))),
            Cell("stage3", "stage 3", METHOD, (drawn, 'balance={ kind = "oversample" }')),
            Cell("weights", "class weights, no copies", METHOD, (drawn, 'balance={ kind = "class_weights" }')),
        ),
    )


_HEAD_PHASE = 'name="head", epochs=10, batch_size=64, learning_rate=1e-3, trainable={share=0.0, freeze_norms=true}'


def two_phases(trainable: str) -> str:
    """Return the override: the head alone first, then what is to be freed at a tenth of the rate."""
    tune = f'name="tune", epochs=30, batch_size=64, learning_rate=3e-4, trainable={{{trainable}}}'
    return f"phases=[{{{_HEAD_PHASE}}}, {{{tune}}}]"


def november_unfreezing() -> Study:
    """Return team november's ways of unfreezing."""
    gradual = "share=1.0, start_share=0.1, grow_epochs=15"
    return method_study(
        "november-unfreezing",
        "Team november: gradual and full unfreezing",
        f"After the head has learned, all layers freed at once or over the epochs, norms frozen or not. {_TELLS}",
        (
            Cell("full", "all at once", METHOD, (two_phases("share=1.0, freeze_norms=true"),)),
            Cell("gradual", "gradual", METHOD, (two_phases(f"{gradual}, freeze_norms=true"),)),
            Cell("full-norms", "all at once, norms learn", METHOD, (two_phases("share=1.0"),)),
            Cell("gradual-norms", "gradual, norms learn", METHOD, (two_phases(gradual),)),
        ),
        (*STARTING, WEAK),
    )


def november_optimisers() -> Study:
    """Return team november's pairs of learning rate and weight decay."""
    settings = {
        "adamw-high-rate": ("adamw", "1e-3", "1e-3", "AdamW, high rate, low decay"),
        "adamw-low-rate": ("adamw", "1e-4", "1e-1", "AdamW, low rate, high decay"),
        "lion-low-rate": ("lion", "1e-4", "1e-1", "Lion, low rate, high decay"),
        "lion-high-rate": ("lion", "1e-3", "1e-3", "Lion, high rate, low decay"),
    }
    return method_study(
        "november-optimisers",
        "Team november: rate and decay of Lion and AdamW",
        f"The ends of the ranges that the team gives, 1e-4 or 1e-3 and 1e-1 or 1e-3. {_TELLS}",
        [
            Cell(
                name,
                title,
                METHOD,
                (f"phases.0.optimiser={kind}", f"phases.0.learning_rate={rate}", f"phases.0.weight_decay={decay}"),
            )
            for name, (kind, rate, decay, title) in settings.items()
        ],
        (*MOBILENETV2, WEAK),
    )
