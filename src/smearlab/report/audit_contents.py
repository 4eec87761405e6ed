"""What an audit report is made of: plain data, gathered by whoever looked for faults in a collection of pictures.

Nothing here computes or draws. Class names are identifiers, and ``""`` stands for *no label*. `row` is always the
0-based position in the source before anything was skipped; `picture` is a position in `AuditReport.pictures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from smearlab.data.cells import FloatArray, IntArray, Pictures


@dataclass(frozen=True)
class AuditItem:
    """One finding: one thing that is wrong with one picture.

    Attributes:
        row: of the picture in the source.
        source: the file's name or the row's description.
        kind: ``exact_duplicate``, ``conflicting_duplicate``, ``near_duplicate``, ``off_topic``, ``unreadable`` or
            ``label_error``.
        score: how certain it is, in [0, 1].
        picture: position in `AuditReport.pictures`; None for a picture that could not be decoded.
        label: class the data gives.
        partner: row of another member of the group of copies.
        group: number of the group of copies (the row of its first member); members of one group are shown together.
        suggestion: what to do, in a few words.
        suggested: class a label error looks like.
        ambiguous: a label that may or may not be wrong; such cells are shown apart from plain errors.
    """

    row: int
    source: str
    kind: str
    score: float
    picture: int | None
    label: str = ""
    partner: int | None = None
    group: int | None = None
    suggestion: str = "review"
    suggested: str = ""
    ambiguous: bool = False


@dataclass(frozen=True)
class ManifestLine:
    """What the manifest says of one row of the source.

    Attributes:
        row: of the picture in the source.
        source: the file's name or the row's description.
        action: ``keep``, ``drop`` or ``relabel``.
        label: the class in the manifest: the new one where it is relabelled.
        reason: why, in a few words; may be empty.
        given: class the data gives, which a decision *keep* by hand goes back to; None takes `label`.
        picture: position in `AuditReport.pictures`, so that pictures without findings can be looked at and decided
            upon too; None for a picture that could not be decoded.
    """

    row: int
    source: str
    action: str = "keep"
    label: str = ""
    reason: str = ""
    given: str | None = None
    picture: int | None = None


@dataclass(frozen=True)
class Spread:
    """The middle and the extent of some figure: median, 5th and 95th percentile (or smallest and largest)."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class PictureStatistics:
    """Size and colour of the pictures of one class or one source.

    Attributes:
        name: class identifier, or the source (a folder, a slide, a patient).
        pictures: how many there are.
        colour: mean ``(red, green, blue)``, 0 to 255; shown as a chip.
        figures: name of a figure (``width``, ``height``, ``brightness``, ``saturation``, ``sharpness`` …) to its
            spread; every line of one table has the same names in the same order.
    """

    name: str
    pictures: int
    colour: tuple[float, float, float]
    figures: Mapping[str, Spread]


@dataclass(frozen=True)
class NaturalGroup:
    """Pictures that lie together in an embedding, whatever their labels.

    Attributes:
        name: for example ``group 3``.
        counts: class identifier to pictures of that class in the group.
        typical: positions in `AuditReport.pictures` of those nearest to the centre, the nearest first.
        note: what is striking about it, in words.
    """

    name: str
    counts: Mapping[str, int]
    typical: Sequence[int]
    note: str = ""

    @property
    def size(self) -> int:
        """How many pictures are in the group."""
        return sum(self.counts.values())


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Pictures laid out in a plane so that similar ones lie together.

    Attributes:
        name: of the method: ``PCA`` or ``t-SNE``.
        points: ``float64 (n, 2)``; axes have no unit.
        rows: ``int64 (n,)`` rows of the source; class and findings are looked up by them.
        note: what the map shows and how much of the variance, in a sentence.
    """

    name: str
    points: FloatArray
    rows: IntArray
    note: str = ""


@dataclass(frozen=True)
class LikelySmear:
    """Pictures that are likely from one smear.

    Attributes:
        name: for example ``smear 1``.
        rows: of the pictures in the source.
        pictures: positions in `AuditReport.pictures` of some of them, to show.
        score: how certain it is, in [0, 1].
        note: what they share, in words.
    """

    name: str
    rows: Sequence[int]
    pictures: Sequence[int]
    score: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class AuditReport:
    """Everything the page about an audit shows. Whatever is left empty is left out of the page.

    Attributes:
        name: a short name of the data.
        data: the data as the user gave it, for the commands to go on with.
        class_names: identifiers in the order of the labels' indices; empty for unlabelled pictures.
        counts: class to pictures, as the data labels them.
        pictures: all decoded pictures, ``uint8 (h, w, 3)`` RGB of any size, looked up one by one.
        items: the findings, in any order.
        manifest: one line per row of the source, in order.
        policy: that made the manifest: ``conservative``, ``strict`` or ``none``.
        quick: whether label errors were left out for speed.
        rows_total: rows of the source; 0 takes the length of the manifest.
        typical: class to positions in `pictures` of typical cells; shown beside label errors.
        by_class: size and colour per class.
        by_source: size and colour per source.
        groups: natural groups of an embedding.
        maps: to draw, coloured by class and by finding.
        smears: pictures likely from the same smear.
        seconds: stage of the work to seconds, in order.
        judges: who judged the labels, in words; empty where nobody did.
        notes: what the reader should know, in sentences.
        unreadable_reasons: row to why it could not be decoded.
        browse: whether pictures without findings are in the page too, to be decided upon by hand; they are left out
            where the page would grow too large.
        created: date and time as text.
    """

    name: str
    class_names: Sequence[str]
    counts: Mapping[str, int]
    pictures: Pictures
    items: Sequence[AuditItem]
    manifest: Sequence[ManifestLine]
    data: str = ""
    policy: str = "conservative"
    quick: bool = False
    rows_total: int = 0
    typical: Mapping[str, Sequence[int]] = field(default_factory=dict)
    by_class: Sequence[PictureStatistics] = ()
    by_source: Sequence[PictureStatistics] = ()
    groups: Sequence[NaturalGroup] = ()
    maps: Sequence[FeatureMap] = ()
    smears: Sequence[LikelySmear] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    judges: str = ""
    notes: Sequence[str] = ()
    unreadable_reasons: Mapping[int, str] = field(default_factory=dict)
    browse: bool = True
    created: str = ""

    @property
    def total(self) -> int:
        """How many rows the source has."""
        return self.rows_total or len(self.manifest)
