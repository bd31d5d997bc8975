"""A report as parts that a page and a workbook draw alike: paragraphs, tables, plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.cli.catalog.plots import Part

Cell = str | int


@dataclass(frozen=True)
class Table:
    """`numbers`: places of columns whose texts are figures (set right)."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Plot:
    """Bars parted by colour: lying (a name each) or standing (months). `scale`: what a value is
    divided by to be read (1,000: thousandths)."""

    title: str
    rows: Sequence[tuple[str, Mapping[str, int]]]
    parts: Sequence[Part]
    standing: bool = False
    scale: int = 1

    def __bool__(self) -> bool:
        return any(values.get(part.key) for _, values in self.rows for part in self.parts)


@dataclass(frozen=True)
class Section:
    heading: str
    short: str  # of the workbook's sheet
    paragraphs: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Document:
    """`number` (文号), `signer` (签发人) and `recipient` (主送) may be empty: their places stay, to
    be filled in by hand. `sources`: how it can be checked."""

    language: str
    authority: str
    number: str
    signer: str
    title: str
    recipient: str
    opening: str
    sections: Sequence[Section]
    day: str
    sources: str
    annexes: Sequence[Section] = field(default_factory=tuple)
