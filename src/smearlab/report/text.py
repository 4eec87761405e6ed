"""Numbers, names and paths as a person reads them."""

from __future__ import annotations

import math
import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TypeGuard

NBSP = "\u00a0"
THIN = "\u202f"  # narrow no-break space: keeps a number and its unit on one line

_WINDOWS_ROOT = re.compile(r"^[A-Za-z]:[\\/]")
_QUOTED_PATH = re.compile(r"""(["'])((?:/|~/|file://|[A-Za-z]:[\\/])[^"'\n]*)\1""")
# Two components at least, so that "pictures/s" and a closing tag in a class name stay as they are.
_BARE_PATH = re.compile(r"(?<![\w.<:/\\~])(?:file://|~)?(?:/[^\s\"'<>|:,;/]+){2,}/?|(?<!\w)[A-Za-z]:\\[^\s\"'<>|,;]+")


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share (0 to 1) as a percentage, or a dash where it is unknown.

    >>> percent(0.9764).replace(THIN, " "), percent(float("nan"))
    ('97.6 %', '–')
    """
    return f"{100 * value:.{digits}f}{THIN}%" if known(value) else "–"


def decimal(value: float | None, digits: int = 3) -> str:
    """Return a number with a fixed count of decimals, or a dash where it is unknown."""
    return f"{value:.{digits}f}" if known(value) else "–"


def known(value: float | None) -> TypeGuard[float]:
    """Say whether a figure exists: neither None nor NaN nor infinite."""
    return value is not None and math.isfinite(value)


def count(number: int) -> str:
    """Return a whole number with its thousands set apart.

    >>> count(13673)
    '13,673'
    """
    return f"{int(number):,}"


def left_out(unreadable: int) -> str:
    """Return a sentence on pictures that could not be decoded; nothing where there are none.

    >>> left_out(0), left_out(2)
    ('', ' 2 pictures could not be decoded and are left out.')
    """
    if not unreadable:
        return ""
    return f" {plural(unreadable, 'picture')} could not be decoded and {'is' if unreadable == 1 else 'are'} left out."


def plural(number: int, one: str, many: str = "") -> str:
    """Return a count with its noun.

    >>> plural(1, "picture"), plural(1200, "picture"), plural(2, "class", "classes")
    ('1 picture', '1,200 pictures', '2 classes')
    """
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time in the two units that matter.

    >>> [duration(s).replace(THIN, " ") for s in (0.42, 42, 750, 7260)]
    ['0.4 s', '42 s', '12 min 30 s', '2 h 1 min']
    """
    if seconds < 10:
        return f"{seconds:.1f}{THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}{THIN}s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours}{THIN}h {minutes_left}{THIN}min" if hours else f"{minutes}{THIN}min {rest}{THIN}s"


def file_size(size: int) -> str:
    """Return a size in bytes with a decimal unit.

    >>> file_size(6_120_000).replace(THIN, " ")
    '6.1 MB'
    """
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f}{THIN}{unit}" if unit == "B" else f"{amount:.1f}{THIN}{unit}"
        amount /= 1000
    return f"{amount:.1f}{THIN}GB"


def parameters(number: int) -> str:
    """Return a count of network parameters.

    >>> parameters(1_528_106).replace(THIN, " "), parameters(900)
    ('1.53 million', '900')
    """
    return f"{number / 1e6:.2f}{THIN}million" if number >= 100_000 else count(number)


def join_words(words: list[str]) -> str:
    """Join words as in a sentence.

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def source_name(source: str) -> str:
    r"""Return where a picture came from without the folders of the machine it was read on.

    A relative path says something about the data and stays; of an absolute one only the name is left.

    >>> source_name("neutrophil/BNE_1.jpg"), source_name("/home/ann/cells/BNE_1.jpg"), source_name("C:\\x\\a.png")
    ('neutrophil/BNE_1.jpg', 'BNE_1.jpg', 'a.png')
    """
    if _WINDOWS_ROOT.match(source):
        return PureWindowsPath(source).name or source
    return PurePosixPath(source).name if source.startswith(("/", "~/", "file://")) else source


def tidy(text: str) -> str:
    """Make a text of others fit for a page: no absolute paths, no line break between a number and ``%``."""
    return re.sub(r"(?<=\d) (?=%)", NBSP, hide_paths(text))


def hide_paths(text: str) -> str:
    """Replace every absolute path within a text by its last name.

    >>> hide_paths('path = "/home/ann/my cells/pbc.npz"'), hide_paths("see /data/x/y.png, 40 pictures/s")
    ('path = "pbc.npz"', 'see y.png, 40 pictures/s')
    """
    quoted = _QUOTED_PATH.sub(lambda found: found[1] + source_name(found[2].rstrip("/\\")) + found[1], text)
    return _BARE_PATH.sub(lambda found: source_name(found[0].rstrip("/\\")), quoted)
