"""The study of the means to robustness: each option of a recipe switched on or off, all else the same."""

from __future__ import annotations

from smearlab.evaluation.studies.plan import Cell, Study

_WEIGHTS = "Averaged weights"
_LOSS = "Loss and labels"
_NETWORK = "Network"
_ASKING = "How it is asked"
_OTHERS = ("group_norm", "blur_pool")


def means_study() -> Study:
    """Return the table of cells."""
    return Study(
        name="means",
        title="Means to robustness",
        description=(
            "What each option of a recipe is worth on altered pictures, beside the augmentation that all of them share."
        ),
        reference="reference",
        base=("augment.policy=ours", "augment.curriculum=0.3", "loss.label_smoothing=0", "ema.decay=0.99"),
        cells=(
            Cell("reference", "reference", "Reference"),
            *_weights(),
            *_loss(),
            *_network(),
            *_asking(),
        ),
    )


def _weights() -> list[Cell]:
    return [
        Cell("no_ema", "no moving average", _WEIGHTS, ("ema.decay=0",)),
    ]


def _loss() -> list[Cell]:
    return [
        Cell("label_smoothing", "label smoothing 0.1", _LOSS, ("loss.label_smoothing=0.1",), least="small"),
        Cell("focal", "focal loss", _LOSS, ("loss.kind=focal",), least="full"),
        Cell("mixup", "MixUp", _LOSS, ("augment.mixup=0.2",), least="small"),
        Cell("cutmix", "CutMix", _LOSS, ("augment.cutmix=1.0",), least="small"),
        Cell("warm_start", "no curriculum", _LOSS, ("augment.curriculum=0",), least="small"),
        Cell("untouched", "a quarter untouched", _LOSS, ("augment.untouched=0.25",), least="small"),
    ]


def _network() -> list[Cell]:
    return [
        Cell("size_64", "64 px", _NETWORK, ("framing.size=64",), least="full"),
        Cell("size_128", "128 px", _NETWORK, ("framing.size=128",), least="full"),
    ]


def _asking() -> list[Cell]:
    return [
        Cell("tta", "eight turned views", _ASKING, of=("reference",), how="flipped"),
        Cell("adapted", "batch norm adapted", _ASKING, of=("reference",), how="adapted", least="small"),
    ]
