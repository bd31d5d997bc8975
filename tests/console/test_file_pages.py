"""Files as the people of a station see them: listed, fetched, on their way."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from ortoo_protocol.core.accounts.roles import Role
from tests.console.kit import front
from tests.node.files_kit import CODE, PURPOSE, noise, pair


async def test_a_file_is_fetched_and_its_progress_seen(tmp_path: Path) -> None:
    name = "清单 'a'.bin"
    content = noise(200_000)
    async with pair(tmp_path, {name: content}) as both, front(both.reader) as at:
        await at.person("bao", "宝音", Role.SYSTEM_ADMIN)
        await at.person("wang", "王芳", Role.SUBSCRIBER)
        await both.list_has(name)
        async with at.visitor("bao") as visitor:
            page = await visitor.get("/files")
            assert f"/files/of/{both.grant.grant}" in page
            listed = await visitor.get(f"/files/of/{both.grant.grant}")
            link = re.search(r'href="(/act/file\.get[^"]+)"', listed)
            assert link is not None
            form = await visitor.get(link[1].replace("&amp;", "&"))
            assert PURPOSE in form
            target = both.taken / "here.bin"
            asked = {"resource": CODE, "name": name, "purpose": PURPOSE}
            asked["grant"] = both.grant.grant
            await visitor.post("/act/file.get", to=str(target), **asked)
            (begun,) = (await both.reader.call("file.transfers"))["transfers"]
            await both.ended(begun["transfer"])
            assert target.read_bytes() == content
            done = await visitor.get("/files")
            assert '<progress max="200000" value="200000"' in done
            async with asyncio.timeout(10), visitor.client.stream("GET", "/live/files") as stream:
                async for line in stream.aiter_lines():
                    if "<progress" in line:
                        break
                else:
                    raise AssertionError("the stream ended")
            again = await visitor.post("/act/file.get", 422, to=str(target), **asked)
            assert "file.taken" in again.text
        async with at.visitor("wang") as other:
            assert "/act/file.get" not in await other.get("/files")
            assert "/act/file.get" not in await other.get(f"/files/of/{both.grant.grant}")
            await other.post("/act/file.get", 403, to=str(target), **asked)
