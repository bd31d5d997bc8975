"""The hub's console: what stands in its pages, and what is done from them."""

from __future__ import annotations

import re
from pathlib import Path

from ortoo_hub.console import tiles
from ortoo_protocol.core.catalog.divisions import LEAGUES
from tests.console.hub_kit import region


async def test_the_map_shows_each_league_in_words_and_the_flows(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house), house.visitor("zhao") as visitor:
        page = await visitor.get("/")
        for code, name in LEAGUES.items():
            assert re.search(
                rf'<a href="/leagues/{code}" class="tile \w+" aria-label="{name}', page
            )
            assert page.count(f'href="/leagues/{code}"') == 2  # in the map, and in the table
        assert page.count("<path class=") == 1
        assert 'class="flow flow-1"' in page
        assert "style=" not in page
        league = await visitor.get("/leagues/150700")
        assert "s150700" in league
        await visitor.get("/leagues/150799", 404)


async def test_the_wall_has_no_menu_and_needs_an_account(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house):
        async with house.visitor() as stranger:
            assert (await stranger.client.get("/wall")).status_code == 303
        async with house.visitor("zhao") as visitor:
            page = await visitor.get("/wall")
            assert 'class="menu"' not in page
            assert page.count('class="tile ') == len(LEAGUES)
            async with visitor.client.stream("GET", "/live/wall") as stream:
                async for line in stream.aiter_lines():
                    if 'class="map"' in line:
                        break


def test_tiles_lie_apart_and_within_the_drawing() -> None:
    assert set(tiles.PLACES) == set(LEAGUES)
    assert len(set(tiles.PLACES.values())) == len(LEAGUES)
    leagues = [{"league": code, "health": "well"} for code in LEAGUES]
    for tile in tiles.tiles(leagues):
        assert 0 <= tile.x <= tiles.WIDTH - tiles.TILE_WIDTH
        assert 0 <= tile.y <= tiles.HEIGHT - tiles.TILE_HEIGHT


def test_lines_join_both_directions_and_grow_by_tenfolds() -> None:
    def flow(one: str, other: str, letters: int, grants: int = 0) -> dict[str, object]:
        return {"from": one, "to": other, "letters": letters, "grants": grants}

    found = tiles.lines(
        [
            flow("150100", "150200", 60, 1),
            flow("150200", "150100", 40, 2),
            flow("150100", "150100", 9),
            flow("150100", "152900", 0, 1),
            flow("150100", "150700", 10**9),
        ]
    )
    assert [(line.other, line.letters, line.grants, line.width) for line in found] == [
        ("包头", 100, 3, 3),
        ("呼伦贝尔", 10**9, 0, tiles.WIDEST),
        ("阿拉善", 0, 1, 0),
    ]
