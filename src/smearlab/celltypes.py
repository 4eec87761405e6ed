"""The eight cell types of the founding task: names, aliases, lineage and display colours.

The order is BloodMNIST's (Yang et al. 2023, MedMNIST v2). Data and models are matched by name, never by position.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class CellType:
    """One cell type of a peripheral blood smear.

    Attributes:
        name: the identifier used in files and column names.
        title: the name as a person reads it.
        lineage: the family of blood cells it belongs to.
        colour: ``#rrggbb``, distinguishable for colour-blind readers (after Okabe & Ito 2008).
        aliases: other names found in data sets, already normalised.
    """

    name: str
    title: str
    lineage: str
    colour: str
    aliases: tuple[str, ...] = ()


CELL_TYPES: tuple[CellType, ...] = (
    CellType("basophil", "basophil", "granulocyte", "#332288", ("basophils", "ba", "baso", "bas")),
    CellType("eosinophil", "eosinophil", "granulocyte", "#d55e00", ("eosinophils", "eo", "eos", "eosino")),
    CellType(
        "erythroblast",
        "erythroblast",
        "erythroid",
        "#882255",
        ("erythroblasts", "erb", "nrbc", "normoblast", "normoblasts", "nucleated_red_blood_cell"),
    ),
    CellType(
        "immature_granulocyte",
        "immature granulocyte",
        "granulocyte",
        "#e69f00",
        (
            *("immature_granulocytes", "ig", "igs", "immature", "mmy", "my", "pmy"),
            *("metamyelocyte", "metamyelocytes", "myelocyte", "myelocytes", "promyelocyte", "promyelocytes"),
            "immature_granulocytes_myelocytes_metamyelocytes_and_promyelocytes",
        ),
    ),
    CellType("lymphocyte", "lymphocyte", "lymphoid", "#0072b2", ("lymphocytes", "ly", "lym", "lymph", "lympho")),
    CellType("monocyte", "monocyte", "monocytic", "#009e73", ("monocytes", "mo", "mon", "mono")),
    CellType(
        "neutrophil",
        "neutrophil",
        "granulocyte",
        "#56b4e9",
        (
            *("neutrophils", "neu", "neut", "neutro", "bne", "sne", "ne"),
            *("band_neutrophil", "segmented_neutrophil", "band_neutrophils", "segmented_neutrophils"),
        ),
    ),
    CellType("platelet", "platelet", "thrombocyte", "#cc79a7", ("platelets", "plt", "thrombocyte", "thrombocytes")),
)

CLASS_NAMES: tuple[str, ...] = tuple(cell.name for cell in CELL_TYPES)
LEUKOCYTE_LINEAGES = ("granulocyte", "lymphoid", "monocytic")
"""Lineages of white blood cells, of which a differential count is a hundred per cent."""
_BY_NAME = {cell.name: cell for cell in CELL_TYPES}
_ALIASES = {alias: cell.name for cell in CELL_TYPES for alias in (cell.name, *cell.aliases)}
_OTHER_COLOURS = ("#117733", "#999933", "#aa4499", "#44aa99", "#88ccee", "#ddcc77", "#661100", "#6699cc")


def identifier(text: str) -> str:
    """Turn any class name into an identifier: lower case, words joined by underscores.

    Letters of all scripts stay; Latin ones lose their accents.

    >>> identifier(" Immature  granulocytes(myelocytes) "), identifier("Größe"), identifier("细胞")
    ('immature_granulocytes_myelocytes', 'grosse', '细胞')
    """
    plain = re.sub(r"(?<=[a-z])[\u0300-\u036f]+", "", unicodedata.normalize("NFKD", text.casefold()))
    # Outside Latin, a mark may make another letter (か, が) or be a vowel of its own.
    kept = (char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in plain)
    return "_".join(unicodedata.normalize("NFC", "".join(kept)).split())


def canonical_name(text: str) -> str:
    """Return the identifier of a class, with known spellings and file prefixes mapped to the eight cell types.

    >>> canonical_name("IG"), canonical_name("Lymphocytes"), canonical_name("my own class")
    ('immature_granulocyte', 'lymphocyte', 'my_own_class')
    """
    name = identifier(text)
    return _ALIASES.get(name, name)


def title(name: str) -> str:
    """Return a class name as a person reads it."""
    return _BY_NAME[name].title if name in _BY_NAME else name.replace("_", " ")


def lineage(name: str) -> str:
    """Return the lineage of one of the eight cell types; an empty text for any other class.

    >>> lineage("neutrophil"), lineage("erythroblast"), lineage("my_own_class")
    ('granulocyte', 'erythroid', '')
    """
    return _BY_NAME[name].lineage if name in _BY_NAME else ""


def colour(name: str, position: int = 0) -> str:
    """Return the display colour ``#rrggbb`` of a class; unknown classes take one by their position."""
    return _BY_NAME[name].colour if name in _BY_NAME else _OTHER_COLOURS[position % len(_OTHER_COLOURS)]
