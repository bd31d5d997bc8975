"""A feed of files kept in a reader's folder: what comes, changes, goes; what is refused."""

from __future__ import annotations

from pathlib import Path

from ortoo_node.files.sink import FileSink
from tests.node.files_kit import CODE, READER, Pair, noise, pair, put
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS


async def subscribe(made: Pair, table: str = "images") -> Path:
    department = DEPARTMENTS[READER][0]
    await made.reader.call(
        "subscribe",
        resource=CODE,
        department=department,
        sink="out",
        table=table,
        purpose="工作参考",
    )
    return made.kit.folder / "reader-front" / "out" / table


def sees(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


async def test_files_come_change_and_go(tmp_path: Path) -> None:
    one, two = noise(700_000), b"two"
    async with pair(tmp_path, {"a/one.bin": one, "two.bin": two}) as made:
        place, kept = await subscribe(made), await subscribe(made, "kept")
        await until(lambda: sees(place / "a/one.bin", one) and sees(place / "two.bin", two))
        await until(lambda: sees(kept / "a/one.bin", one) and sees(kept / "two.bin", two))
        # What the department has taken away is not fetched again; what changes is.
        (place / "two.bin").unlink()
        one = noise(800_000, 2)
        put(made.shared, "a/one.bin", one)
        (made.shared / "two.bin").unlink()
        put(made.shared, "三.bin", b"three")
        await made.publish()
        await until(lambda: sees(place / "a/one.bin", one) and sees(place / "三.bin", b"three"))
        await until(lambda: sees(kept / "a/one.bin", one) and sees(kept / "三.bin", b"three"))
        assert not (place / "two.bin").exists()
        assert sees(kept / "two.bin", two)
        (made.shared / "a/one.bin").unlink()
        await made.publish()
        await until(lambda: not (place / "a").exists())
        assert sees(kept / "a/one.bin", one)


async def test_a_version_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    """The file changed after its row left: its old contents are nowhere, the new ones come."""
    async with pair(tmp_path, {"one.bin": noise(300_000)}) as made:
        new = noise(310_000, 2)
        put(made.shared, "one.bin", new)
        place = await subscribe(made)
        await until(lambda: sees(place / "one.bin", new))
        shown = (await made.reader.call("subscription.list"))["subscriptions"]
        assert [one["state"] for one in shown if one["sink"] == "out"] == ["current"]


async def test_a_link_in_the_folder_is_no_way_out_of_it(tmp_path: Path) -> None:
    async with pair(tmp_path, {"a/one.bin": b"1"}) as made:
        outside, place = tmp_path / "outside", made.kit.folder / "reader-front" / "out" / "images"
        outside.mkdir()
        place.mkdir()
        (place / "a").symlink_to(outside)
        await subscribe(made)
        await until(
            lambda: any(
                isinstance(worker.sink, FileSink) and worker.progress.error == "sink.folder"
                for worker in made.reader.app.station.workers.values()
            )
        )
        assert not list(outside.iterdir())
