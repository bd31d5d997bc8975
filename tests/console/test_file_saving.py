"""Files saved through the browser: by whoever uses the data, of the own department, while the grant
lives; the very bytes that came, whole or in parts; recorded."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station.accounts import keeping
from tests.console.kit import Front, Visitor, front
from tests.federation import exchange as exchanging
from tests.federation.exchange import CODE as TABLE
from tests.federation.exchange import exchange
from tests.node.files_kit import CODE, PURPOSE, Pair, noise, pair
from tests.support.hubs import until_true

NAME = "表&lt;'x';.bin"
CONTENT = noise(150_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


async def brought(both: Pair, visitor: Visitor) -> str:
    """By the form, as people do; the number of its transfer, once it has come."""
    listed = await visitor.get(f"/files/of/{both.grant.grant}")
    link = re.search(r'href="(/act/file\.bring\?[^"]+)"', listed)
    assert link is not None
    assert PURPOSE in await visitor.get(link[1].replace("&amp;", "&"))
    await visitor.post("/act/file.bring", **asked(both))
    (begun, *_) = (await both.reader.call("file.transfers"))["transfers"]
    await both.ended(begun["transfer"])
    return str(begun["transfer"])


def asked(both: Pair) -> dict[str, str]:
    return {"resource": CODE, "name": NAME, "purpose": PURPOSE, "grant": both.grant.grant}


async def test_a_file_is_brought_and_saved_whole_and_in_parts(tmp_path: Path) -> None:
    async with pair(tmp_path, {NAME: CONTENT}) as both, front(both.reader) as at:
        await at.known("wang", "王芳", Role.SUBSCRIBER)
        await at.known("bao", "宝音", Role.SYSTEM_ADMIN)
        await at.known("li", "李静", Role.AUDITOR)
        await both.list_has(NAME)
        async with at.visitor("wang") as visitor:
            transfer = await brought(both, visitor)
            url = f"/files/transfers/{transfer}/content"
            page = await visitor.get("/files")
            assert f'href="{url}" download' in page
            assert NAME not in page  # as text: escaped
            assert "fetched/people" not in page

            whole = await visitor.client.get(url)
            assert whole.content == CONTENT
            assert whole.headers["content-type"] == "application/octet-stream"
            assert whole.headers["x-content-type-options"] == "nosniff"
            assert whole.headers["content-security-policy"].startswith("sandbox")
            said = whole.headers["content-disposition"]
            assert said == f"attachment; filename*=UTF-8''{quote(NAME, safe='')}"
            tag = whole.headers["etag"]
            assert tag == f'"{DIGEST}"'

            part = await visitor.client.get(url, headers={"range": "bytes=100-199"})
            assert (part.status_code, part.content) == (206, CONTENT[100:200])
            rest = {"range": "bytes=149990-", "if-range": tag}
            assert (await visitor.client.get(url, headers=rest)).content == CONTENT[-10:]
            other = {"range": "bytes=0-9", "if-range": '"other"'}
            assert (await visitor.client.get(url, headers=other)).content == CONTENT
            beyond = await visitor.client.get(url, headers={"range": "bytes=999999-"})
            assert beyond.status_code == 416
            await visitor.get("/files/transfers/none/content", 404)
            await visitor.get("/files/transfers/%2e%2e%2fx/content", 404)

            await spoilt(both, visitor, url)
        async with at.visitor("bao") as operates:
            await operates.get(url, 403)
            assert url not in await operates.get("/files")
            await operates.post("/act/file.bring", 403, **asked(both))
        async with at.visitor("li") as audits:
            acts = await audits.get("/acts?action=file.saved")
            assert acts.count(transfer) >= 5
            assert "王芳" in acts
            assert "file.not-here" in acts
            assert transfer in await audits.get(f"/trace/grants/{both.grant.grant}")
        await of_another_department(both, at, url)
        await both.end_grant(both.reader)
        async with at.visitor("wang") as visitor:
            assert "grant.ended" in await visitor.get(url, 422)


async def spoilt(both: Pair, visitor: Visitor, url: str) -> None:
    """What lies there is not what came: changed with the same size, a link, nothing."""
    shown = await both.reader.call("file.transfer", transfer=url.split("/")[3])
    place = Path(shown["target"])
    kept = await asyncio.to_thread(place.read_bytes)
    secret = both.kit.folder / "secret"
    secret.write_bytes(CONTENT)
    await asyncio.to_thread(place.write_bytes, b"x" * len(kept))
    assert "file.not-here" in await visitor.get(url, 422)
    await asyncio.to_thread(place.unlink)
    os.symlink(secret, place)
    assert "file.not-here" in await visitor.get(url, 422)
    await asyncio.to_thread(place.unlink)
    assert "file.not-here" in await visitor.get(url, 422)
    await asyncio.to_thread(place.write_bytes, kept)
    assert (await visitor.client.get(url)).content == CONTENT


async def of_another_department(both: Pair, at: Front, url: str) -> None:
    """It neither brings nor saves what was granted to others."""
    account = "zhao"
    await at.known(account, "赵敏", Role.SUBSCRIBER)
    station = both.reader.app.station
    await station.write(lambda tx: keeping.change(tx.conn, account, department="another"))
    async with at.visitor(account) as visitor:
        await visitor.get(url, 404)
        refused = await visitor.post("/act/file.bring", 404, **asked(both))
        assert "grant.unknown" in refused.text


async def test_a_table_is_ordered_and_saved(tmp_path: Path) -> None:
    async with exchange(tmp_path, mode="批量下载") as made, front(made.reader) as at:
        await at.known("wang", "王芳", Role.SUBSCRIBER)
        async with at.visitor("wang") as visitor:
            page = await visitor.get("/files")
            assert "/act/file.bring-table?" in page
            terms = {"resource": TABLE, "grant": made.grant, "purpose": exchanging.PURPOSE}
            await visitor.get("/act/file.bring-table")
            await visitor.post("/act/file.bring-table", form="csv", **terms)

            async def there() -> bool:
                found = (await made.reader.call("file.transfers"))["transfers"]
                return any(each["state"] == "done" for each in found)

            await until_true(there)
            (one,) = (await made.reader.call("file.transfers"))["transfers"]
            saved = await visitor.client.get(f"/files/transfers/{one['transfer']}/content")
            assert saved.status_code == 200
            assert "人3" in saved.text
            (order,) = (await made.reader.call("file.orders"))["orders"]
            assert order["handler"] == "王芳"
