"""The tables of the five teams: every system that they reported, as its recipe stands, and ours as the last row."""

from __future__ import annotations

from smearlab.evaluation.studies.plan import SYSTEM_SCALES, Cell, Study

OURS = Cell("robust", "ours: robust", "Ours", recipe="robust")
_AS_REPORTED = "As reported"
_STAND_IN = "The same with MobileNetV2"
MOBILENET = (
    *("network.backbone=mobilenetv2_100", "network.options={}", "network.further=[]", "network.scaling=symmetric"),
    *("network.weights=mobilenet_v2_imagenet.pth", "network.enlarge=0", "framing.size=96"),
)
"""Overrides that put the one network whose ImageNet weights can be had without a download in another's place."""

TITLES = {
    "formidable": "Team formidable",
    "ai-pacapa": "Team ai_pacapa",
    "m2g-imbalance": "Team M2G: class imbalance",
    "m2g-extractors": "Team M2G: feature extractors",
    "m2g-ensemble": "Team M2G: ensemble of features",
    "m2g-augmentation": "Team M2G: augmentation",
    "m2g-unfreezing": "Team M2G: how much is unfrozen",
    "m2g-heads": "Team M2G: classifier head",
    "november": "Team november",
    "rookie": "Team rookie",
}
_SLUGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "formidable": (
        "formidable",
        ("basic", "mobilenetv2", "mobilenetv3-light", "mobilenetv3-heavy", "mobilenetv3-heavy-weighted"),
    ),
    "ai-pacapa": ("ai_pacapa", ("mobilenetv3small", "efficientnetv2b3", "convnextxlarge")),
    "m2g-imbalance": ("m2g", ("imbalance-synthetic", "imbalance-weights")),
    "m2g-extractors": (
        "m2g",
        (
            *("extractor-vgg16", "extractor-resnet50", "extractor-densenet121", "extractor-inceptionv3"),
            *("extractor-mobilenetv3large", "extractor-efficientnetb0", "extractor-efficientnetv2s"),
            *("extractor-efficientnetv2m", "extractor-efficientnetv2l"),
        ),
    ),
    "m2g-ensemble": ("m2g", ("ensemble-v2sml", "extractor-efficientnetv2m")),
    "m2g-augmentation": (
        "m2g",
        (
            *("augment-traditional", "augment-mixup-cutmix", "augment-mixup-cutmix-traditional"),
            "augment-randaugment",
        ),
    ),
    "m2g-unfreezing": ("m2g", ("unfreeze-60", "unfreeze-80")),
    "m2g-heads": ("m2g", ("head-128", "head-256-128", "final")),
    "november": (
        "november",
        (
            *("mobilenetv3", "inceptionv3", "efficientnetv2m", "mobilenetv3large", "convnexttiny", "convnextsmall"),
            "final",
        ),
    ),
    "rookie": (
        "rookie",
        (
            *("cnn-small", "cnn", "inceptionv3", "mobilenet", "efficientnetb0", "efficientnetb2", "resnet50v2"),
            *("densenet", "vgg16"),
        ),
    ),
}
_WITH_STAND_INS = ("m2g-imbalance", "m2g-augmentation", "m2g-unfreezing", "m2g-heads")
_ONCE_MORE = " Below, the same with MobileNetV2 from ImageNet's weights, which any computer can train."


def team_study(name: str) -> Study:
    """Return the table of a team, or of one of the studies in its report.

    Args:
        name: such as ``formidable`` or ``m2g-heads``.
    """
    team, slugs = _SLUGS[name]
    cells = [Cell(slug, slug, _AS_REPORTED, recipe=f"{team}/{slug}") for slug in slugs]
    description = "The systems that the team reported, each as its recipe stands, on the same pictures."
    if name in _WITH_STAND_INS:
        cells += [stand_in(cell) for cell in cells if cell.name != "final"]
        description += _ONCE_MORE
    return Study(name, TITLES[name], description, OURS.name, (*cells, OURS), scales=SYSTEM_SCALES, systems=True)


def stand_in(cell: Cell) -> Cell:
    """Return the same row with MobileNetV2 in place of its network; what was reported of it is not of this one."""
    name, title = f"{cell.name}-mnv2", f"{cell.title}, MobileNetV2"
    return Cell(name, title, _STAND_IN, (*cell.overrides, *MOBILENET), recipe=cell.recipe, reported={})


TEAM_STUDIES = tuple(_SLUGS)
RECIPES = tuple(dict.fromkeys(f"{team}/{slug}" for team, slugs in _SLUGS.values() for slug in slugs))
"""Every system of the teams, once."""
