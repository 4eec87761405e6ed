"""Writing the pictures that a manifest keeps as files: class folders, or a CSV list."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from smearlab.audit.kept import FileNames, as_bytes, kept_pictures, spellings
from smearlab.data.atomic import atomic_folder, atomic_path
from smearlab.data.forms.csvlist import CsvForm
from smearlab.data.forms.files import FolderForm
from smearlab.data.plaintable import read_table
from smearlab.data.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smearlab.audit.kept import Kept
    from smearlab.audit.manifest import Manifest
    from smearlab.data.cells import Cells
    from smearlab.data.forms.base import Form, RawLabel

_LIST_COLUMNS = ("path", "label", "group", "split")


def write_class_folders(target: Path, form: Form | None, cells: Cells, manifest: Manifest) -> int:
    """Write one folder per class, below one per part where the source brings a split; as a whole or not at all.

    Files and encoded pictures are copied byte for byte under their own names, pixels become PNG files. A folder's copy
    has the same relative paths, but for relabelled pictures, which move into the folder of their new class.

    Returns:
        How many pictures were written.
    """
    place: Callable[[Kept], str]
    if isinstance(form, FolderForm):
        place = _beside_its_like(form, cells, manifest)
    else:
        names, by_part = FileNames(), cells.parts is not None and bool((cells.parts != "").all())

        def place(picture: Kept) -> str:
            label = picture.label or str(picture.raw)
            return names.claim(f"{picture.part}/{label}" if by_part else label, picture)

    with atomic_folder(target) as temporary, progress(f"Writing {target.name}", len(manifest)) as advance:
        count = 0
        for picture in kept_pictures(form, cells, manifest):
            _put(picture, temporary / place(picture))
            count += 1
            advance(1)
    return count


def _beside_its_like(form: FolderForm, cells: Cells, manifest: Manifest) -> Callable[[Kept], str]:
    """Return where a picture of a folder goes: where it was, or into the folder that its new class has there."""
    folders, names = spellings(form, cells), FileNames()
    for decision in manifest:
        if decision.action == "keep":
            names.claim_as_it_is(decision.source)

    def place(picture: Kept) -> str:
        if not picture.relabelled:
            return picture.source
        parts = list(PurePosixPath(picture.source).parts)
        parts[parts.index(str(picture.raw))] = str(folders[picture.label])
        return names.claim("/".join(parts[:-1]), picture)

    return place


def _put(picture: Kept, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(picture.content, Path):
        shutil.copyfile(picture.content, path)  # the bytes alone: a link becomes a file, and no right is inherited
    else:
        path.write_bytes(as_bytes(picture.content))


def write_list(target: Path, form: Form | None, cells: Cells, manifest: Manifest) -> int:
    """Write a CSV list. It points at the original files where there are any; other pictures go into a folder beside it.

    A list made from a list keeps all its columns.

    Returns:
        How many pictures it lists.
    """
    if isinstance(form, CsvForm):
        lines = list(_lines_of_list(form, target, spellings(form, cells), manifest))
    else:
        lines = [_LIST_COLUMNS, *_lines_of_pictures(target, form, cells, manifest)]
        used = [
            index for index, name in enumerate(_LIST_COLUMNS) if index < 2 or any(line[index] for line in lines[1:])
        ]
        lines = [tuple(line[index] for index in used) for line in lines]
    with atomic_path(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    return len(lines) - 1


def pictures_folder(target: Path) -> Path:
    """Return the folder beside a list for pictures that are no files yet: ``clean_pictures`` for ``clean.csv``."""
    return target.with_name(f"{target.stem}_pictures")


def _lines_of_pictures(
    target: Path, form: Form | None, cells: Cells, manifest: Manifest
) -> list[tuple[str, str, str, str]]:
    names, folder, lines = FileNames(), pictures_folder(target), []
    with atomic_folder(folder) as temporary, progress(f"Writing {target.name}", len(manifest)) as advance:
        for picture in kept_pictures(form, cells, manifest):
            label = picture.label or str(picture.raw)
            if isinstance(picture.content, Path):
                path = _from(target, picture.content)
            else:
                name = names.claim(label, picture)
                _put(picture, temporary / name)
                path = f"{folder.name}/{name}"
            lines.append((path, label, picture.group, picture.part))
            advance(1)
    if not any(folder.iterdir()):
        folder.rmdir()
    return lines


def _lines_of_list(
    form: CsvForm, target: Path, labels: dict[str, RawLabel], manifest: Manifest
) -> Iterable[tuple[str, ...]]:
    """Copy the lines of a list, with paths that hold where the new one lies."""
    (_, header), *rows = read_table(form.path)
    columns = [name.lower() for name in header]
    files = {entry.row: entry.content for entry in form.entries()}
    yield tuple(header)
    for row, (_, cells) in enumerate(rows):
        decision, line = manifest.decisions[row], cells + [""] * (len(header) - len(cells))
        if decision.action == "drop":
            continue
        content = files[row]
        if isinstance(content, Path):
            line[columns.index("path")] = _from(target, content)
        if decision.action == "relabel":
            line[columns.index("label")] = str(labels[decision.label])
        yield tuple(line)


def _from(target: Path, file: Path) -> str:
    """Return the way to a file from the folder of a list; the whole path where there is none, as between drives."""
    whole = file.parent.resolve() / file.name
    try:
        return Path(os.path.relpath(whole, target.parent.resolve())).as_posix()
    except ValueError:
        return whole.as_posix()
