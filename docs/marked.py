"""Pages of the guide with parts that a command writes, each between two marks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path


def between(page: str, name: str, lines: str | Iterable[str]) -> str:
    """Return the page with what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` replaced."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    inside = lines if isinstance(lines, str) else "\n".join(lines)
    return f"{before}{begin}\n{inside}\n{end}{after}"


def write_or_check(path: Path, with_tables: Callable[[str], str]) -> int:
    """Write the page anew or, with ``--check``, only compare; the exit status."""
    page = path.read_text(encoding="utf-8")
    wanted = with_tables(page)
    if "--check" in sys.argv[1:]:
        return int(page != wanted)
    path.write_text(wanted, encoding="utf-8")
    return 0
