"""What the teams state in their reports, each as a comparison of two rows of a study.

A line says the study, the rows (``first, second``; after a semicolon those that serve where the first have no figures,
or, with ``every:`` before them, further ones of which the same is stated), the figure, and what is expected of the
first row against the second. ``clean`` stands for a team's own test pictures, ``chain`` for the hidden set, whose
alterations nobody outside knows.
"""

from __future__ import annotations

from typing import get_args

from smearlab.evaluation.studies.verdicts import Expected, Finding

_EVERY = "every:"
_V2M = "extractor-efficientnetv2m"
_EXTRACTORS = {
    **{"vgg16": ".9589", "resnet50": ".9645", "densenet121": ".9523", "inceptionv3": ".9285"},
    **{"mobilenetv3large": ".9626", "efficientnetb0": ".7933", "efficientnetv2s": ".9664", "efficientnetv2l": ".8354"},
}
_M2G_ROWS = [
    f"augment-{policy}{end}"
    for policy in ("traditional", "mixup-cutmix", "mixup-cutmix-traditional", "randaugment")
    for end in ("", "-mnv2")
]

_STATED: dict[str, dict[str, tuple[str, str]]] = {
    "formidable": {
        "weighted-loss": (
            "A loss weighted up for the classes of lowest accuracy did not help (.80 → .69 online).",
            "formidable | mobilenetv3-heavy-weighted, mobilenetv3-heavy | chain | no gain",
        ),
        "heavy-online": (
            "The heavy MobileNetV3 gains a few points over the light one online (.80, .77).",
            "formidable | mobilenetv3-heavy, mobilenetv3-light | chain | more",
        ),
        "heavy-local": (
            "And locally (.9762, .9640).",
            "formidable | mobilenetv3-heavy, mobilenetv3-light | clean | more",
        ),
        "granulocytes-monocytes": (
            "Immature granulocytes and monocytes stay confused.",
            "formidable | mobilenetv3-heavy; mobilenetv3-light | 3 and 5 confused | more",
        ),
        "basic-collapses": (
            "The basic CNN, good locally (.90), fails online (.32), MobileNetV2 less (.68).",
            "formidable | basic, mobilenetv2 | chain | less",
        ),
        "light-beats-mobilenetv2": (
            "MobileNetV3 light from scratch beats MobileNetV2 online (.77, .68).",
            "formidable | mobilenetv3-light, mobilenetv2 | chain | more",
        ),
        "mobilenetv2-overfits": (
            "With the final pipeline MobileNetV2 overfits early and gains nothing.",
            "formidable-augmentation | final, weak | chain | no gain",
        ),
        "final-pipeline": (
            "The final pipeline holds up better on altered pictures than the weak one.",
            "formidable-augmentation | final-v3, weak-v3 | chain | more",
        ),
    },
    "ai_pacapa": {
        "k-means-no-gain": (
            "K-means-refined data brought no gain.",
            "ai-pacapa-cleaning | k-means, plain | chain | no gain",
        ),
        "high-pass-no-gain": (
            "High-pass filtering at prediction brought no gain.",
            "ai-pacapa-cleaning | high-pass, plain | chain | no gain",
        ),
        "high-pass-trained-no-gain": (
            "High-pass filtering brought no gain.",
            "ai-pacapa-cleaning | high-pass-trained, plain | chain | no gain",
        ),
        "nuclei-no-gain": (
            "Nucleus segmentation at prediction brought no gain.",
            "ai-pacapa-cleaning | nuclei, plain | chain | no gain",
        ),
        "nuclei-trained-no-gain": (
            "Nucleus segmentation brought no gain.",
            "ai-pacapa-cleaning | nuclei-trained, plain | chain | no gain",
        ),
        "cluster-noise-no-gain": (
            "Noise elimination by the score of each cluster brought no gain.",
            "ai-pacapa-cleaning | cluster-noise, plain | chain | no gain",
        ),
        "test-time-no-gain": (
            "Test-time augmentation brought no gain.",
            "ai-pacapa-cleaning | turned, plain | chain | no gain",
        ),
        "heavy-augmentation": (
            "Heavy augmentation makes a network resist noise better than light.",
            "ai-pacapa-augmentation | heavy, light | chain | more",
        ),
        "v2b3-over-v3small": (
            "On heavily altered pictures EfficientNetV2B3 (.81) beats MobileNetV3Small (.75).",
            "ai-pacapa | efficientnetv2b3, mobilenetv3small | chain | more",
        ),
        "xlarge-over-v2b3": (
            "And ConvNeXtXLarge (.86) beats EfficientNetV2B3 (.81).",
            "ai-pacapa | convnextxlarge, efficientnetv2b3 | chain | more",
        ),
    },
    "m2g": {
        "weights-beat-synthetic": (
            "Class weights beat synthetic data (.9678, .9231).",
            "m2g-imbalance | imbalance-weights, imbalance-synthetic; "
            "imbalance-weights-mnv2, imbalance-synthetic-mnv2 | clean | more",
        ),
        **{
            f"v2m-over-{name}": (
                f"EfficientNetV2M (.9680) extracts better features than {name} ({told}).",
                f"m2g-extractors | {_V2M}, extractor-{name} | clean | more",
            )
            for name, told in _EXTRACTORS.items()
        },
        "ensemble": (
            "Features of V2 S, M and L together are worse than V2M's alone (.8788, .9680).",
            "m2g-ensemble | ensemble-v2sml, extractor-efficientnetv2m | clean | less",
        ),
        "mixup-cutmix-hurts": (
            "MixUp and CutMix alone hurt (.8127 against .9701).",
            "m2g-augmentation | augment-mixup-cutmix, augment-traditional; "
            "augment-mixup-cutmix-mnv2, augment-traditional-mnv2 | clean | less",
        ),
        "mixup-cutmix-traditional-hurts": (
            "And with traditional augmentation too (.8767 against .9701).",
            "m2g-augmentation | augment-mixup-cutmix-traditional, augment-traditional; "
            "augment-mixup-cutmix-traditional-mnv2, augment-traditional-mnv2 | clean | less",
        ),
        "randaugment-best": (
            "RandAugment generalises best of all and became the standard.",
            "m2g-augmentation | augment-randaugment, augment-traditional; "
            "augment-randaugment-mnv2, augment-traditional-mnv2 | chain | more",
        ),
        "randaugment-over-mixing": (
            "RandAugment beats MixUp and CutMix (.9558, .8127).",
            "m2g-augmentation | augment-randaugment, augment-mixup-cutmix; "
            "augment-randaugment-mnv2, augment-mixup-cutmix-mnv2 | clean | more",
        ),
        "unfreezing-online": (
            "More unfrozen at a higher rate is marginally better online (.85, .84).",
            "m2g-unfreezing | unfreeze-80, unfreeze-60; unfreeze-80-mnv2, unfreeze-60-mnv2 | chain | more",
        ),
        "unfreezing-local": (
            "Locally both shares are alike (.9753, .9769).",
            "m2g-unfreezing | unfreeze-80, unfreeze-60; unfreeze-80-mnv2, unfreeze-60-mnv2 | clean | alike",
        ),
        "bigger-head-local": (
            "A bigger head is better locally (.9875, .9753).",
            "m2g-heads | head-256-128, head-128; head-256-128-mnv2, head-128-mnv2 | clean | more",
        ),
        "bigger-head-overfits": (
            "A bigger head overfits: it is worse online (.82, .85).",
            "m2g-heads | head-256-128, head-128; head-256-128-mnv2, head-128-mnv2 | chain | less",
        ),
        "five-six-as-three": (
            "Classes 5 and 6 are read as 3 by every model.",
            f"m2g-augmentation | every: {'; '.join(_M2G_ROWS)} | 5 and 6 read as 3 | more",
        ),
    },
    "november": {
        "late-over-middle": (
            "The late stage beats the middle one online: ConvNeXtTiny .86, MobileNetV3Large .74.",
            "november | convnexttiny, mobilenetv3large | chain | more",
        ),
        "middle-over-early": (
            "The middle stage beats the early one online: MobileNetV3Large .74, MobileNetV3 .36.",
            "november | mobilenetv3large, mobilenetv3 | chain | more",
        ),
        "small-no-better": (
            "ConvNeXtSmall is no better online than ConvNeXtTiny (.85, .86).",
            "november | convnextsmall, convnexttiny | chain | no gain",
        ),
        "final-over-late": (
            "The final model beats the late stage online (.92, .86).",
            "november | final, convnexttiny | chain | more",
        ),
        "stage-2-over-1": (
            "Refined augmentation holds up better than simple.",
            "november-stages | stage2, stage1 | chain | more",
        ),
        "stage-3-over-2": (
            "Augmentation drawn while training generalises better than copies made once.",
            "november-stages | stage3, stage2 | chain | more",
        ),
        # Weights of classes that copies have made equal are all 1: the question is which of the two to use.
        "weights-unnecessary": (
            "Once classes are balanced by copies, class weights are unnecessary.",
            "november-stages | weights, stage3 | clean | no gain",
        ),
        "all-at-once": (
            "Freeing all layers at once generalises better than gradual unfreezing (final model).",
            "november-unfreezing | full, gradual | chain | more",
        ),
        "gradual": (
            "Gradual unfreezing keeps more of what was known: it is better (before the final model).",
            "november-unfreezing | gradual, full | chain | more",
        ),
        "frozen-norms": (
            "Norms are better kept frozen while tuning.",
            "november-unfreezing | full, full-norms | clean | more",
        ),
        "lion-low-rate": (
            "Lion wants a low rate and a high decay.",
            "november-optimisers | lion-low-rate, lion-high-rate | clean | more",
        ),
        "adamw-high-rate": (
            "AdamW wants a higher rate and a lower decay.",
            "november-optimisers | adamw-high-rate, adamw-low-rate | clean | more",
        ),
    },
    "rookie": {
        "l1l2-over-none": (
            "L1L2 of .001 is better than no penalty.",
            "rookie-regularisation | l1l2, none | clean | more",
        ),
        "l1l2-over-l1": (
            "L1L2 of .001 is better than L1.",
            "rookie-regularisation | l1l2, l1 | clean | more",
        ),
        "l1l2-over-l2": (
            "L1L2 of .001 is better than L2.",
            "rookie-regularisation | l1l2, l2 | clean | more",
        ),
        "l1l2-over-l1l2-weak": (
            "L1L2 of .001 is better than L1L2 of .0001.",
            "rookie-regularisation | l1l2, l1l2-weak | clean | more",
        ),
        "l1l2-over-l1l2-strong": (
            "L1L2 of .001 is better than L1L2 of .01.",
            "rookie-regularisation | l1l2, l1l2-strong | clean | more",
        ),
        "relu": (
            "ReLU is better than LeakyReLU.",
            "rookie-regularisation | l1l2, leaky | clean | more",
        ),
        "rookie-mixup-augmix": (
            "MixUp and AugMix together are worse.",
            "rookie-augmentation | mixup-augmix, augmix | chain | less",
        ),
        "rookie-augmix-randaugment": (
            "AugMix is better than RandAugment.",
            "rookie-augmentation | augmix, randaugment | chain | more",
        ),
        "rookie-gridmask": (
            "GridMask brought no gain.",
            "rookie-augmentation | gridmask, basic | chain | no gain",
        ),
        "rookie-cutmix": (
            "CutMix brought no gain.",
            "rookie-augmentation | cutmix, basic | chain | no gain",
        ),
        "rookie-validation-noise": (
            "Noise on the validation pictures gained very little.",
            "rookie-augmentation | noise, augmix | chain | no gain",
        ),
        "cnn-over-small": (
            "More blocks and regularisation beat the first CNN online (.34, .25).",
            "rookie | cnn, cnn-small | chain | more",
        ),
        "vgg16-best": (
            "VGG16 is the most robust, before ResNet50V2 (.67, .57 online).",
            "rookie | vgg16, resnet50v2 | chain | more",
        ),
        "densenet-as-resnet": (
            "With DenseNet the result is the same as with ResNet50V2.",
            "rookie | densenet, resnet50v2 | clean | alike",
        ),
        "end-unfrozen": (
            "Freeing the end layers after the head lifts InceptionV3 from .43 to .93.",
            "rookie-freezing | end, head | clean | more",
        ),
        "first-layers": (
            "Freezing two or more of the first layers makes no difference worth mention.",
            "rookie-freezing | first-2, all | clean | alike",
        ),
        "double-scaling": (
            "EfficientNet's 45 % comes of dividing by 255 what scales itself.",
            "double-scaling | b0-doubled, b0-right; doubled-head, right-head | clean | less",
        ),
    },
    "ours": {
        "imagenet-over-scratch": (
            "On few pictures ImageNet's weights beat training from scratch.",
            "transfer | imagenet, scratch | clean | more",
        ),
        "imagenet-over-fast-scratch": (
            "Also where training from scratch goes at four times the rate.",
            "transfer | imagenet, scratch-fast | clean | more",
        ),
    },
}


def _finding(team: str, name: str, text: str, line: str) -> Finding:
    study, rows, figure, expected = (part.strip() for part in line.split("|"))
    every, rows = rows.startswith(_EVERY), rows.removeprefix(_EVERY)
    pairs = tuple(
        (first.strip(), second.strip()) for first, _, second in (pair.partition(",") for pair in rows.split(";"))
    )
    found = next(word for word in get_args(Expected) if word == expected)
    return Finding(name, team, text, study, pairs, figure, found, every)


FINDINGS: tuple[Finding, ...] = tuple(
    _finding(team, name, text, line) for team, stated in _STATED.items() for name, (text, line) in stated.items()
)
