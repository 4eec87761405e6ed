"""The studies of the means to robustness: each option of a recipe switched on or off, all else the same."""

from __future__ import annotations

from smearlab.evaluation.studies.plan import Cell, Study

_WEIGHTS = "Averaged weights"
_LOSS = "Loss and pictures"
_NETWORK = "Network"
_ASKING = "Networks together, and how they are asked"
_OURS = ("augment.policy=ours", "augment.curriculum=0.3")
_TRIO = ("reference", "blur_pool", "label_smoothing")


def means_study() -> Study:
    """Return the table of cells of the options that a network from scratch can have."""
    return Study(
        name="means",
        title="Means to robustness",
        description="What each option of a recipe is worth beside the augmentation that all of them share.",
        reference="reference",
        base=(*_OURS, "loss.label_smoothing=0", "ema.decay=0.99"),
        cells=(Cell("reference", "reference", "Reference"), *_weights(), *_loss(), *_network(), *_asking()),
    )


def _weights() -> list[Cell]:
    swa = ("ema.decay=0", "averaging.swa_start=0.7", "averaging.swa_every=20")
    return [
        Cell("no_average", "no average of weights", _WEIGHTS, ("ema.decay=0",)),
        Cell("swa", "stochastic weight averaging", _WEIGHTS, swa, least="small"),
    ]


def _loss() -> list[Cell]:
    return [
        Cell("label_smoothing", "label smoothing", _LOSS, ("loss.label_smoothing=0.1",), least="small"),
        Cell("focal", "focal loss", _LOSS, ("loss.kind=focal",), least="full"),
        Cell("jsd", "JSD consistency", _LOSS, ("loss.jsd=12.0",), least="full"),
        Cell("mixup", "MixUp", _LOSS, ("augment.mixup=0.2",), least="small"),
        Cell("cutmix", "CutMix", _LOSS, ("augment.cutmix=1.0",), least="small"),
        Cell("warm_up", "five epochs without labels first", _LOSS, ("warm_up.epochs=5",), least="full"),
        Cell("at_once", "full strength at once", _LOSS, ("augment.curriculum=0",), least="small"),
        Cell("untouched", "a quarter untouched", _LOSS, ("augment.untouched=0.25",), least="small"),
    ]


def _network() -> list[Cell]:
    return [
        Cell("group_norm", "group norm", _NETWORK, ("network.norm=group",), least="small"),
        Cell("group_norm_ws", "group norm, standardised weights", _NETWORK, ("network.norm=group_ws",), least="full"),
        Cell("layer_norm", "layer norm", _NETWORK, ("network.norm=layer",), least="full"),
        Cell("blur_pool", "blurred strides", _NETWORK, ("network.blur_pool=true",), least="small"),
        Cell("standardise", "standardised input", _NETWORK, ("network.input_norm=standardise",), least="small"),
        Cell("white_balance", "white-balanced input", _NETWORK, ("network.input_norm=white_balance",), least="full"),
        Cell("detail", "details at one level", _NETWORK, ("network.input_norm=detail",), least="small"),
        Cell("size_64", "64 px", _NETWORK, ("framing.size=64",), least="full"),
        Cell("size_128", "128 px", _NETWORK, ("framing.size=128",), least="full"),
    ]


def _asking() -> list[Cell]:
    return [
        Cell("turned", "eight turned views", _ASKING, of=("reference",), how="flipped", least="small"),
        Cell("adapted", "batch norm adapted", _ASKING, of=("reference",), how="adapted", least="small"),
        Cell("ensemble", "ensemble of three", _ASKING, of=_TRIO, how="ensemble", least="full"),
        Cell("distilled", "distilled from the three", _ASKING, of=_TRIO, how="distilled", least="full"),
    ]


def tuning_study() -> Study:
    """Return the table of cells of what starting weights allow: interpolation, soups."""
    return Study(
        name="tuning",
        title="Means to robustness from ImageNet's weights",
        description="What starting weights are worth, and what can be made of them and of several runs from them.",
        reference="reference",
        base=(
            *(*_OURS, "loss.label_smoothing=0", "ema.decay=0.99"),
            *("network.backbone=mobilenetv2_100", "network.options={}", "network.scaling=symmetric"),
            *("network.weights=mobilenet_v2_imagenet.pth", "phases.0.learning_rate=1e-3"),
        ),
        cells=(
            Cell("reference", "reference", "Reference"),
            Cell("scratch", "from scratch", "Start", ("network.weights=none", "phases.0.learning_rate=4e-3")),
            Cell("wise_ft", "WiSE-FT", "Start", ("averaging.wise_ft=[0.5, 0.7, 0.9]",), least="small"),
            Cell("label_smoothing", "label smoothing", "Runs", ("loss.label_smoothing=0.1",), least="small"),
            Cell("mixup", "MixUp", "Runs", ("augment.mixup=0.2",), least="small"),
            Cell(
                "soup", "soup of three", "Runs", of=("reference", "label_smoothing", "mixup"), how="soup", least="small"
            ),
            Cell("ensemble", "ensemble of three", "Runs", of=("reference", "label_smoothing", "mixup"), how="ensemble"),
        ),
    )
