"""Write the tables of the studies of options into studies.md, from the results that stand in docs/results.

python -m docs.option_tables           # write them
python -m docs.option_tables --check   # exit 1 where studies.md does not say what the results do

python -m docs.option_tables --keep RESULTS STUDY_FOLDER  # first put what a study found into docs/results/RESULTS
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.marked import between, write_or_check

from smearlab.corruptions.families import FAMILIES, GROUP_TITLES, GROUPS
from smearlab.data.atomic import write_json
from smearlab.evaluation.studies.catalogue import STUDIES
from smearlab.evaluation.studies.outcome import ALTERED, CHAIN
from smearlab.evaluation.studies.plan import CLEAN, SCALES, Study
from smearlab.evaluation.studies.study import BASE, twins_of_reference

PAGE = Path(__file__).with_name("studies.md")
RESULTS = Path(__file__).with_name("results")
KEPT = {
    "": ("", ""),
    "start": ("", ", the start alone"),
    "robust": ("robust", " from the recipe `robust`"),
    "quick-dense": ("quick-dense.toml", " from `quick-dense.toml`, a copy of `quick` with `augment.density = 1.0`"),
}
"""What the folders of kept results end in; the recipe that the study was given, and how a heading tells of it."""
_COLUMNS = {
    CLEAN: "clean",
    "bloodmnist-c": "BloodMNIST-C",
    "imagenet-c": "ImageNet-C",
    "microscope": "microscope",
    CHAIN: "chain",
}
_Figures = Mapping[str, Mapping[str, Any]]


def main() -> int:
    """Write or check the page; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", nargs=2, metavar=("RESULTS", "STUDY_FOLDER"))
    if kept := parser.parse_args().keep:
        names = [_folder(name, ending) for name in STUDIES for ending in KEPT]
        if kept[0] not in names:
            parser.error(f"No table shows results called {kept[0]}. Choose one of: {', '.join(names)}.")
        found = Path(kept[1]) / "study.json"
        if not found.is_file():
            parser.error(f"{found} is not there: has the study been run to its end?")
        keep(RESULTS / kept[0], found)
    return write_or_check(PAGE, lambda page: with_tables(page, RESULTS))


def with_tables(page: str, results: Path) -> str:
    """Return the page with what stands between its marks replaced by what the results say.

    Args:
        page: Markdown with the marks ``results: begin`` and ``results: end``.
        results: with a folder for each study.
    """
    lines = [line for name in STUDIES for ending in KEPT for line in study_lines(results, name, ending)]
    return between(page, "results", [*lines, ""])


def keep(folder: Path, found: Path) -> None:
    """Put what the tables show of a study's ``study.json`` into a folder; the other figures only make it large."""
    content = json.loads(found.read_text(encoding="utf-8"))
    cells = _by_cell(content["rows"])
    left_out = [(figure, cell) for figure, cell, _ in _parts_left_out() if cell in cells]
    own = {(figure, one) for figure, cell in left_out for one in (cell, "ours")}
    general = {*_COLUMNS, ALTERED}
    rows = [row for row in content["rows"] if row["figure"] in general or (row["figure"], row["cell"]) in own]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "study.json", content | {"rows": rows})


def study_lines(results: Path, name: str, ending: str = "") -> Iterator[str]:
    """Yield a heading and the tables of one study, as kept under one of the endings; nothing where nothing is kept."""
    recipe, heading = KEPT[ending]
    path = results / _folder(name, ending) / "study.json"
    if not path.is_file():
        return
    content = json.loads(path.read_text(encoding="utf-8"))
    study, rows = STUDIES[name](), _by_cell(content["rows"])
    facts = content["facts"]
    command = f"smearlab study {name} pbc96.parquet --scale full{f' --recipe {recipe}' if recipe else ''}"
    seeds = re.search(r"(\d+) seeds?$", facts["Trained on"])
    if seeds and int(seeds[1]) != SCALES["full"].seeds:
        command += f" --seeds {seeds[1]}"
    # Another recipe may be a file that is not here; of those, no study is kept whole.
    twins = set() if recipe else twins_of_reference(study, study.cells, SCALES["full"], BASE)
    if len(rows) < len(study.cells) - len(twins - set(rows)):
        command += f" --only {' '.join(rows)}"
    yield f"\n### {study.title}: `{name}`{heading}\n"
    yield f"{study.description} {facts['Trained on']}; {facts['Network']}; {facts['Altered']}. `{command}`\n"
    yield from _main_table(study, rows)
    yield from _left_out(rows)


def _folder(name: str, ending: str) -> str:
    return f"{name}-{ending}" if ending else name


def _by_cell(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault(row["cell"], {})[row["figure"]] = row
    return cells


def _main_table(study: Study, rows: Mapping[str, _Figures]) -> Iterator[str]:
    yield f"| | {' | '.join(_COLUMNS.values())} | altered | more than `{study.reference}`, points | |"
    yield f"|---|{'--:|' * (len(_COLUMNS) + 2)}---|"
    for name, figures in rows.items():
        shown = " | ".join(_percent(figures.get(figure)) for figure in (*_COLUMNS, ALTERED))
        altered = figures[ALTERED]
        yield f"| {altered['title']} (`{name}`) | {shown} | {_points(altered)} | {_verdict(altered)} |"


def _left_out(rows: Mapping[str, _Figures]) -> Iterator[str]:
    """Yield what leaving a group or a family out costs on its own alterations."""
    lines = [_loss(rows, figure, cell, title) for figure, cell, title in _parts_left_out()]
    if any(lines):
        yield "\n| left out | on its own alterations, trained with it | without it | more without it, points |"
        yield "|---|--:|--:|--:|"
        yield from filter(None, lines)


def _parts_left_out() -> list[tuple[str, str, str]]:
    """Return of each group and family the figure on its alterations, the cell trained without it, and its title."""
    parts = [(f"group {group}", f"without_{group}", GROUP_TITLES[group]) for group in GROUPS]
    return parts + [(f"family {name}", f"without_{name}", name.replace("_", " ")) for name in FAMILIES]


def _loss(rows: Mapping[str, _Figures], figure: str, cell: str, title: str) -> str:
    if cell not in rows or figure not in rows[cell]:
        return ""
    without = rows[cell][figure]
    with_it = rows["ours"].get(figure)
    return f"| {title} | {_percent(with_it)} | {_percent(without)} | {_points(without)} |"


def _percent(figure: Mapping[str, Any] | None) -> str:
    return "–" if figure is None else f"{100 * figure['value']:.1f}"


def _points(figure: Mapping[str, Any]) -> str:
    if figure["difference_value"] is None:
        return "–"
    value, low, high = (100 * figure[f"difference_{end}"] for end in ("value", "low", "high"))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", "−")


def _verdict(figure: Mapping[str, Any]) -> str:
    """Say in a word whether the whole interval lies on one side."""
    if figure["difference_value"] is None:
        return "reference"
    if figure["difference_low"] > 0:
        return "gains"
    return "costs" if figure["difference_high"] < 0 else "undecided"


if __name__ == "__main__":
    sys.exit(main())
