"""Plots as SVG inside a page: bars that are parted by colour. No script, no font, no picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


Say = Callable[[int], str]


def bars(
    rows: Sequence[tuple[str, Mapping[str, int]]],
    parts: Sequence[Part],
    title: str,
    say: Say = str,
) -> str:
    """A bar for each row, as long as the sum of its parts; the legend stands above. `say`: how a
    value is written."""
    most = max((_sum(values, parts) for _, values in rows), default=0) or 1
    scale = (_WIDTH - _LABEL - _END) / most
    height = len(rows) * (_BAR + _GAP) + _GAP
    drawn = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
    ]
    for place, (label, values) in enumerate(rows):
        drawn.append(_row(label, values, parts, _GAP + place * (_BAR + _GAP), scale, say))
    return _legend(parts) + "".join(drawn) + "</svg>"


def _row(
    label: str,
    values: Mapping[str, int],
    parts: Sequence[Part],
    top: int,
    scale: float,
    say: Say,
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
            f'fill="{part.colour}"><title>{escape(part.title)} {say(value)}</title></rect>'
        )
        if len(parts) > 1 and width > _SHORTEST_TEXT + 6 * len(say(value)):
            at, shade = left + width / 2, "d" if part.dark_text else "i"
            drawn.append(f'<text class="{shade}" x="{at:.1f}" y="{middle:.1f}">{say(value)}</text>')
        left += width
    total = _sum(values, parts)
    drawn.append(f'<text class="n" x="{left + 6:.1f}" y="{middle:.1f}">{say(total)}</text>')
    return "".join(drawn)


_TALL, _FOOT, _SIDE = 180, 22, 34


def columns(
    rows: Sequence[tuple[str, Mapping[str, int]]], parts: Sequence[Part], title: str
) -> str:
    """A column for each row, parted by colour, on a scale with round steps."""
    most = max((_sum(values, parts) for _, values in rows), default=0)
    step = _step(most)
    top = max(step * -(-most // step), step)
    drawn = [
        f'<svg viewBox="0 0 {_WIDTH} {_TALL + _FOOT + _GAP}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>'
    ]
    for value in range(0, top + 1, step):
        y = _GAP + _TALL * (1 - value / top)
        drawn.append(
            f'<line class="g" x1="{_SIDE}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="l" x="{_SIDE - 6}" y="{y + 4:.1f}">{value}</text>'
        )
    width = (_WIDTH - _SIDE) / max(len(rows), 1)
    for place, (label, values) in enumerate(rows):
        left = _SIDE + place * width
        drawn.append(_column(label, values, parts, left, width, top))
    return _legend(parts) + "".join(drawn) + "</svg>"


def _column(
    label: str,
    values: Mapping[str, int],
    parts: Sequence[Part],
    left: float,
    width: float,
    top: int,
) -> str:
    bottom, drawn = float(_GAP + _TALL), []
    for part in parts:
        value = values.get(part.key, 0)
        if value:
            height = _TALL * value / top
            bottom -= height
            drawn.append(
                f'<rect x="{left + width * 0.22:.1f}" y="{bottom:.1f}" width="{width * 0.56:.1f}" '
                f'height="{height:.1f}" fill="{part.colour}">'
                f"<title>{escape(label)}: {escape(part.title)} {value}</title></rect>"
            )
    middle = left + width / 2
    total = _sum(values, parts)
    if total:
        drawn.append(f'<text class="c" x="{middle:.1f}" y="{bottom - 4:.1f}">{total}</text>')
    foot = _GAP + _TALL + 15
    drawn.append(f'<text class="c" x="{middle:.1f}" y="{foot}">{escape(label)}</text>')
    return "".join(drawn)


def _step(most: int) -> int:
    """1, 2 or 5 times a power of ten, so that four to eight lines are drawn."""
    step = 1
    while most > step * 6:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


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
