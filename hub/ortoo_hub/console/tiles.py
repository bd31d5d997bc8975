"""The map of the twelve leagues and cities: a tile each, where it lies among its neighbours, and
lines between those that exchange. Not to scale, and no borders: a drawing of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ortoo_protocol.core.catalog.divisions import LEAGUES

# Column from the west, row from the north, of each tile.
PLACES: Mapping[str, tuple[int, int]] = {
    "150700": (6, 0),  # 呼伦贝尔
    "152200": (6, 1),  # 兴安
    "152500": (4, 2),  # 锡林郭勒
    "150400": (5, 2),  # 赤峰
    "150500": (6, 2),  # 通辽
    "152900": (0, 3),  # 阿拉善
    "150800": (1, 3),  # 巴彦淖尔
    "150200": (2, 3),  # 包头
    "150100": (3, 3),  # 呼和浩特
    "150900": (4, 3),  # 乌兰察布
    "150300": (1, 4),  # 乌海
    "150600": (2, 4),  # 鄂尔多斯
}
TILE_WIDTH, TILE_HEIGHT = 132, 96
STEP_X, STEP_Y = 176, 142
EDGE = 10
WIDTH = EDGE * 2 + STEP_X * 6 + TILE_WIDTH
HEIGHT = EDGE * 2 + STEP_Y * 4 + TILE_HEIGHT
WIDEST = 5
BEND = 0.16  # how far a line bows, as a part of its length: it goes beside tiles in between


@dataclass(frozen=True)
class Tile:
    """In units of the drawing. `name`: without 市 or 盟, as people say it."""

    league: str
    name: str
    health: str
    x: int
    y: int


@dataclass(frozen=True)
class Line:
    """Both directions together. `width`: 1 to WIDEST, a step for each tenfold; 0, nothing went and
    only a grant joins the two. `path`: as SVG has it."""

    one: str
    other: str
    letters: int
    grants: int
    width: int
    path: str


def tiles(leagues: Sequence[Mapping[str, Any]]) -> list[Tile]:
    return [
        Tile(
            each["league"],
            short_name(each["league"]),
            each["health"],
            *_corner(PLACES[each["league"]]),
        )
        for each in leagues
    ]


def lines(flows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Within one league nothing is drawn: its tile says it."""
    letters: dict[tuple[str, str], int] = {}
    grants: dict[tuple[str, str], int] = {}
    for each in flows:
        first, second = sorted((each["from"], each["to"]))
        if first == second:
            continue
        letters[first, second] = letters.get((first, second), 0) + each["letters"]
        grants[first, second] = grants.get((first, second), 0) + each["grants"]
    return [
        Line(
            short_name(one),
            short_name(other),
            count,
            grants[one, other],
            min(WIDEST, len(str(count))) if count else 0,
            _path(PLACES[one], PLACES[other]),
        )
        for (one, other), count in sorted(letters.items())
    ]


def short_name(league: str) -> str:
    return LEAGUES[league].removesuffix("市").removesuffix("盟")


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return EDGE + place[0] * STEP_X, EDGE + place[1] * STEP_Y


def _path(one: tuple[int, int], other: tuple[int, int]) -> str:
    """From the middle of one tile to that of the other; neighbours straight, others in a bow."""
    (from_x, from_y), (to_x, to_y) = _middle(one), _middle(other)
    near = abs(one[0] - other[0]) <= 1 and abs(one[1] - other[1]) <= 1
    bend = 0.0 if near else BEND
    middle_x = (from_x + to_x) / 2 - (to_y - from_y) * bend
    middle_y = (from_y + to_y) / 2 + (to_x - from_x) * bend
    return f"M{from_x},{from_y} Q{middle_x:.0f},{middle_y:.0f} {to_x},{to_y}"


def _middle(place: tuple[int, int]) -> tuple[int, int]:
    x, y = _corner(place)
    return x + TILE_WIDTH // 2, y + TILE_HEIGHT // 2
