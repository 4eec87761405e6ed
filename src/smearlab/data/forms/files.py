"""Picture files: a folder, a glob, a list of paths or a single one."""

from __future__ import annotations

import glob
import os
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PIL import Image

from smearlab.data.decode import picture_formats, picture_suffixes
from smearlab.data.forms.base import UNLABELLED_HINT, Entry, Labelling, name_some
from smearlab.data.notices import notice
from smearlab.data.parts import split_part
from smearlab.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_IGNORED_FOLDERS = {"__MACOSX", "__pycache__"}


@dataclass(frozen=True)
class PathsForm:
    """Pictures named one by one, without labels. A file that is missing keeps its row.

    Attributes:
        name: a short name.
        paths: name and path of each picture.
    """

    name: str
    paths: tuple[tuple[str, Path], ...]

    def files(self) -> Sequence[tuple[str, Path]]:
        """Return the pictures themselves."""
        return self.paths

    def labelling(self) -> Labelling:
        """Say that a mere list of pictures has no labels."""
        what = "one picture" if len(self.paths) == 1 else "a list of pictures"
        return Labelling(fault=f"{self.name} is {what} without labels. {UNLABELLED_HINT}")

    def entries(self) -> Iterator[Entry]:
        """List the pictures in the given order."""
        for row, (source, path) in enumerate(self.paths):
            yield Entry(row, source, path)


@dataclass(frozen=True)
class FolderForm:
    """A folder of pictures, with or without one folder per class, sorted by relative path.

    The class is the first folder below the root; deeper folders belong to it. Where all pictures lie in
    ``train``, ``validation`` or ``test``, at least two of them, these are the split and the class is the folder
    below.

    Attributes:
        root: the folder.
    """

    root: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.root.resolve().name

    @cached_property
    def names(self) -> list[str]:
        """Relative paths of all pictures, sorted."""
        names = sorted(_pictures_below(self.root))
        if not names:
            raise DataError(_nothing_found(self.root))
        return names

    def files(self) -> Sequence[tuple[str, Path]]:
        """Return the pictures themselves."""
        return [(name, self.root / name) for name in self.names]

    def labelling(self) -> Labelling:
        """Say which pictures lie in no class folder, if any."""
        outside = [name for name in self.names if self._place(name)[1] is None]
        if len(outside) == len(self.names):
            return Labelling(fault=f"{self.root} has no class folders, so no labels. {UNLABELLED_HINT}")
        if outside:
            where = f"Not all pictures in {self.root} lie in a class folder"
            return Labelling(fault=f"{where}: {name_some(outside)}. Move each into the folder of its class.")
        return Labelling()

    def entries(self) -> Iterator[Entry]:
        """List the pictures with class and part by their folders."""
        for row, name in enumerate(self.names):
            part, label = self._place(name)
            yield Entry(row, name, self.root / name, label, part=part)

    @cached_property
    def _brings_split(self) -> bool:
        folders = [PurePosixPath(name).parts[:-1] for name in self.names]
        first = {parts[0] if parts else "" for parts in folders}
        return len({split_part(name) for name in first} - {None, ""}) >= 2 and all(
            split_part(parts[0]) and len(parts) >= 2 if parts else False for parts in folders
        )

    def _place(self, name: str) -> tuple[str, str | None]:
        """Return part and class of a relative path."""
        parts = PurePosixPath(name).parts
        if self._brings_split:
            return parts[0], parts[1]
        return "", parts[0] if len(parts) > 1 else None


def open_glob(pattern: str) -> PathsForm:
    """Open the pictures that match a pattern, sorted; names are relative to the last folder without a wildcard.

    Other files that match are left out, which is told on standard error.

    Raises:
        DataError: no file matches, or none that is a picture.
    """
    matches = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute patterns
    found = [path for path in map(Path, matches) if path.is_file()]
    if not found:
        raise DataError(f"No file matches {pattern}. Put it in quotation marks, and check it with: ls {pattern}")
    pictures = [path for path in found if is_picture(path)]
    others = sorted(path.name for path in set(found) - set(pictures))
    if not pictures:
        raise DataError(
            f"{pattern} matches no pictures, only {name_some(others)}. "
            "Give a table or an archive by its own name, without wildcards."
        )
    if others:
        notice(f"{pattern} also matches {name_some(others)}: no pictures, left out.")
    fixed = Path(*_before_wildcard(Path(pattern)))
    names = sorted((path.relative_to(fixed).as_posix(), path) for path in pictures)
    return PathsForm(fixed.resolve().name or "pictures", tuple(names))


def is_picture(path: Path) -> bool:
    """Tell whether a file is meant as a picture: by its name, or else by its content."""
    return path.suffix.lower() in picture_suffixes() or _is_known_content(path)


def _is_known_content(path: Path) -> bool:
    try:
        with Image.open(path, formats=picture_formats()):
            return True
    except Exception:  # whatever Pillow's plugins raise, it is not a picture
        return False


def _before_wildcard(pattern: Path) -> Iterator[str]:
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            return
        yield part


def _pictures_below(root: Path) -> Iterator[str]:
    """Walk a folder, through links too, but into each real folder only once, so that a loop of links ends.

    Real folders come before links: pictures that lie in one class and are linked to from another belong to the first.
    """
    seen: set[tuple[int, int]] = set()
    waiting = deque([root])
    while waiting:
        start = waiting.popleft()
        for path, folders, files in os.walk(start, onerror=_refuse):
            status = Path(path).stat()
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            folders[:] = sorted(name for name in folders if name[0] != "." and name not in _IGNORED_FOLDERS)
            waiting += [Path(path, name) for name in folders if Path(path, name).is_symlink()]
            # Joining text is several times faster here than joining paths, and a set may have a million pictures.
            below = "".join(f"{part}/" for part in Path(path).relative_to(root).parts)
            yield from (below + name for name in files if _has_picture_name(name))


def _has_picture_name(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    return bool(stem) and stem[0] != "." and (dot + suffix).lower() in picture_suffixes()


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be opened: {error.strerror}. Check its permissions.") from error


def _nothing_found(root: Path) -> str:
    others = sorted(path.name for path in root.iterdir() if not path.name.startswith("."))
    if not others:
        return f"{root} is empty. Put pictures in it; to train, one folder per class."
    known = "JPEG, PNG, TIFF, BMP, WebP and others"
    return f"{root} holds no pictures ({known}), only {name_some(others)}. Check the path."
