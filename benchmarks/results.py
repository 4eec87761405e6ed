"""Keeps the measured figures in benchmarks/RESULTS.md, one section per benchmark, the newest in place of the last."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe_machine
from smearlab.data.atomic import write_text

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = "# Measured results\n\nEach section is written by the command that it names.\n"


def write_section(title: str, body: str, libraries: Sequence[str], path: Path = RESULTS) -> None:
    """Replace the section of this title, or append it.

    Args:
        title: of the section.
        body: Markdown below the lines that say when, where and how it was measured.
        libraries: distributions whose versions are recorded.
        path: the Markdown file.
    """
    before = path.read_text(encoding="utf-8") if path.is_file() else _HEAD
    about = f"{datetime.now(UTC):%Y-%m-%d} · {describe_machine(libraries)}\n\n    {command_line()}\n"
    write_text(path, replaced(before, title, f"{about}\n{body.strip()}\n"))


def replaced(document: str, title: str, content: str) -> str:
    """Return a Markdown document with the content of one second-level section exchanged, or the section added."""
    section = f"## {title}\n\n{content.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(document):
        # A function, because a replacement text would have its backslashes read as groups.
        return pattern.sub(lambda _: f"{section}\n", document).rstrip() + "\n"
    return f"{document.rstrip()}\n\n{section}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Lay out a Markdown table whose first `words` columns are words, the others figures."""
    rule = [":--" if number < words else "--:" for number in range(len(header))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def command_line() -> str:
    """Return how this process was called, without the path of the interpreter or of the data."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *words])
