"""Write the tables of operations and families into augmentation.md, from the code.

python -m docs.operation_tables           # write them
python -m docs.operation_tables --check   # exit 1 where augmentation.md does not say what the code does
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from docs.marked import between, write_or_check

from smearlab.augment.config import AugmentConfig
from smearlab.augment.operations import ENGINE, FAMILY_SHARES, operations_of
from smearlab.corruptions.families import FAMILIES, GROUP_TITLES, OPERATIONS

PAGE = Path(__file__).with_name("augmentation.md")
_STAGES = {
    "geometry": "one resampling",
    "colour": "one colour matrix",
    "curve": "one look-up",
    "pixels": "by itself",
    "batch": "between pictures",
}
_POLICIES = ("traditional", "randaugment", "trivialaugment", "augmix", "pixmix", "pipeline")


def main() -> int:
    """Write or check the page; the exit status."""
    return write_or_check(PAGE, with_tables)


def with_tables(page: str) -> str:
    """Return the page with what stands between its two marks replaced by what the code says."""
    return between(page, "operations", tables())


def tables() -> str:
    """Return the tables of operations, of families and of the published policies."""
    parts = [
        _operations(),
        ["", "### Families and groups", ""],
        _families(),
        ["", "### Other policies", ""],
        _policies(),
    ]
    return "\n".join(line for part in parts for line in part)


def _operations() -> Iterator[str]:
    yield "| operation | family | done in | full amount | both ways |"
    yield "|---|---|---|--:|---|"
    for one in ENGINE:
        amount = f"{one.full:g} {one.unit}" if one.unit != "on or off" else one.unit
        yield f"| `{one.name}` | {one.family} | {_STAGES[one.stage]} | {amount} | {'yes' if one.signed else ''} |"


def _families() -> Iterator[str]:
    yield "| family | group | operations of augmentation | share of pictures in `ours` at density 1 |"
    yield "|---|---|---|--:|"
    for family, group in FAMILIES.items():
        members = (*(one.name for one in ENGINE), "mixup", "cutmix")
        names = ", ".join(f"`{name}`" for name in members if OPERATIONS[name] == family)
        yield f"| {family} | {GROUP_TITLES[group]} | {names} | {FAMILY_SHARES.get(family, 0):g} |"


def _policies() -> Iterator[str]:
    yield "| policy | operations |"
    yield "|---|---|"
    for policy in _POLICIES:
        used = operations_of(AugmentConfig.model_validate({"policy": policy}))
        named = ", ".join(f"`{one.name}`" for one in ENGINE if one.name in used)
        yield f"| `{policy}` | {named} |"


if __name__ == "__main__":
    sys.exit(main())
