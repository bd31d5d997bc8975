"""Plots as SVG inside a page: bars that are parted by colour. No script, no font, no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_BAR, _GAP, _LABEL, _WIDTH, _END = 16, 8, 190, 720, 56
_SHORTEST_TEXT = 12  # units that a figure inside a bar needs


@dataclass(frozen=True)
class Part:
    """One colour of all bars, and what it stands for."""

    key: str
    title: str
    colour: str
    dark_text: bool = False  # on a light colour


def bars(rows: Sequence[tuple[str, Mapping[str, int]]], parts: Sequence[Part], title: str) -> str:
    """A bar for each row, as long as the sum of its parts; the legend stands above."""
    most = max((_sum(values, parts) for _, values in rows), default=0) or 1
    scale = (_WIDTH - _LABEL - _END) / most
    height = len(rows) * (_BAR + _GAP) + _GAP
    drawn = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
    ]
    for place, (label, values) in enumerate(rows):
        drawn.append(_row(label, values, parts, _GAP + place * (_BAR + _GAP), scale))
    return _legend(parts) + "".join(drawn) + "</svg>"


def _row(
    label: str, values: Mapping[str, int], parts: Sequence[Part], top: int, scale: float
) -> str:
    middle = top + _BAR * 0.75
    drawn = [
        f'<text class="l" x="{_LABEL - 8}" y="{middle:.1f}">{escape(_short(label))}'
        f"<title>{escape(label)}</title></text>"
    ]
    left = float(_LABEL)
    for part in parts:
        value = values.get(part.key, 0)
        if not value:
            continue
        width = value * scale
        drawn.append(
            f'<rect x="{left:.1f}" y="{top}" width="{max(width, 0.6):.1f}" height="{_BAR}" '
            f'fill="{part.colour}"><title>{escape(part.title)} {value}</title></rect>'
        )
        if width > _SHORTEST_TEXT + 6 * len(str(value)):
            at, shade = left + width / 2, "d" if part.dark_text else "i"
            drawn.append(f'<text class="{shade}" x="{at:.1f}" y="{middle:.1f}">{value}</text>')
        left += width
    total = _sum(values, parts)
    drawn.append(f'<text class="n" x="{left + 6:.1f}" y="{middle:.1f}">{total}</text>')
    return "".join(drawn)


def _legend(parts: Sequence[Part]) -> str:
    if len(parts) < 2:
        return ""
    named = "".join(
        f'<span><i style="background:{part.colour}"></i>{escape(part.title)}</span>'
        for part in parts
    )
    return f'<p class="legend">{named}</p>'


def _sum(values: Mapping[str, int], parts: Sequence[Part]) -> int:
    return sum(values.get(part.key, 0) for part in parts)


def _short(label: str, most: int = 14) -> str:
    """As much as has room left of the bars; all of it shows on pointing."""
    return label if len(label) <= most else label[: most - 1] + "…"
