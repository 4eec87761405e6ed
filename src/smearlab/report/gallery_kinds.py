"""The parts of an audit's gallery: what each is called, what it means, and how its score is to be read."""

from __future__ import annotations

from dataclasses import dataclass

from smearlab.report.audit_contents import AuditItem


@dataclass(frozen=True)
class GalleryKind:
    """One part of the gallery.

    Attributes:
        key: identifier, also its anchor in the page.
        title: heading.
        short: as a chip, a tile or a table's column says it.
        meaning: what the pictures have in common, and how to read the score.
        form: ``groups`` (copies side by side), ``labels`` (with typical cells of both classes) or ``single``.
        colour: variable of the style sheet that marks the kind on a map.
    """

    key: str
    title: str
    short: str
    meaning: str
    form: str
    colour: str


OTHERS = "others"
AMBIGUOUS = "ambiguous"

GALLERY_KINDS: tuple[GalleryKind, ...] = (
    GalleryKind(
        "conflicting_duplicate",
        "Copies with different labels",
        "conflicting copies",
        "The same pixels, labelled differently: at most one of the labels can be right. Look at each group and keep "
        "the right one.",
        "groups",
        "--mark-1",
    ),
    GalleryKind(
        "exact_duplicate",
        "Exact copies",
        "exact copies",
        "The same pixels and the same label more than once, whatever the file's name or format.",
        "groups",
        "--mark-2",
    ),
    GalleryKind(
        "near_duplicate",
        "Near copies",
        "near copies",
        "One picture stored anew, moved, turned, resized, brightened or cropped. The score says how certain it is that "
        "both show one and the same cell.",
        "groups",
        "--mark-3",
    ),
    GalleryKind(
        "off_topic",
        "Not a blood cell",
        "off topic",
        "Drawings, screenshots, photographs and the like. The score says how certain it is that no cell is shown.",
        "single",
        "--mark-4",
    ),
    GalleryKind(
        "unreadable",
        "Unreadable pictures",
        "unreadable",
        "Blank, one colour, noise, a test pattern, far too dark, bright or blurred, cut short, or not to be decoded.",
        "single",
        "--mark-5",
    ),
    GalleryKind(
        "label_error",
        "Label errors",
        "label errors",
        "A model that never saw these labels sees another class. Beside each picture stand typical cells of the class "
        "it is labelled and of the one it looks like.",
        "labels",
        "--mark-6",
    ),
    GalleryKind(
        AMBIGUOUS,
        "Ambiguous cells",
        "ambiguous",
        "Cells between two classes: the label may be right. They are worth a look by an expert, and no reason to drop.",
        "labels",
        "--mark-7",
    ),
    GalleryKind(
        OTHERS,
        "Pictures without a finding",
        "no finding",
        "Nothing was found wrong with these. Look through them, and decide by hand where you know better.",
        "single",
        "--mark-0",
    ),
)


def kind_of(item: AuditItem) -> str:
    """Return the part of the gallery that a finding belongs to."""
    return AMBIGUOUS if item.kind == "label_error" and item.ambiguous else item.kind
