"""account: the commands of both programs against a real service of accounts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from ortoo_hub.cli import app as hub_app
from ortoo_node.cli import app as node_app
from ortoo_protocol.core.accounts.roles import ADMINS, Role
from ortoo_protocol.core.errors import AccountRefused
from ortoo_protocol.station.accounts.methods import LINK_PATH, AccountMethods
from ortoo_protocol.station.control import ControlServer
from ortoo_protocol.station.store.account_tables import acts as kept_acts
from tests.support.account_house import GOOD, HERE, OTHER, House, open_house
from tests.support.service import settings_folder


@dataclass
class Typing:
    """Somebody at the machine."""

    house: House
    folder: Path
    app: Typer

    async def run(self, *arguments: str, language: str = "en", exit_code: int = 0) -> str:
        given = ["--config", str(self.folder), *arguments]
        environment = {"ORTOO_LANG": language}
        ended = await asyncio.to_thread(CliRunner().invoke, self.app, given, env=environment)
        assert ended.exit_code == exit_code, ended.output
        return ended.output

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self.run(*arguments, "--json"))


@pytest.fixture(params=[node_app, hub_app], ids=["node", "hub"])
async def typing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Typing]:
    folder = settings_folder(tmp_path / "run", "h150000" if request.param is hub_app else "s150700")
    async with open_house(tmp_path) as house:
        methods = AccountMethods(house.station, house.table).as_mapping()
        server = ControlServer(folder / "control.sock", methods)
        await server.start()
        yield Typing(house, folder, request.param)
        await server.close()


async def test_from_the_first_links_to_an_end(typing: Typing) -> None:
    house = typing.house
    shown = await typing.run("account", "link", language="zh_CN")
    assert shown.count(LINK_PATH) == 3
    assert all(title in shown for title in ("系统管理员", "安全保密管理员", "安全审计员"))
    made = await typing.json("account", "link", "--by", "值班员")
    assert {role for each in made["links"] for role in each["roles"]} == ADMINS
    first = next(each for each in made["links"] if each["roles"] == ["auditor"])
    who = await house.accounts.set_up(first["secret"], "saru", "萨如拉", GOOD, address=HERE)
    assert who.roles == {Role.AUDITOR}

    invited = await typing.json(
        *("account", "invite", "wu", "--person", "乌云", "--by", "值班员"),
        *("--role", "compiler", "--role", "contact"),
    )
    assert (invited["state"], invited["roles"]) == ("invited", ["compiler", "contact"])
    secret = invited["link"]["path"].removeprefix(LINK_PATH)
    wu = await house.accounts.set_up(secret, "", "", GOOD, address=HERE)
    await typing.run("account", "roles", "wu", "approver", "--by", "值班员")
    now = await house.accounts.signed_in(wu.token)
    assert now is not None
    assert now.roles == {Role.APPROVER}
    reset = await typing.json("account", "link", "wu", "--by", "值班员", "--lost-device")
    assert reset["kind"] == "reset"

    await typing.run("account", "disable", "wu", "--by", "值班员")
    assert await house.accounts.signed_in(wu.token) is None
    listed = await typing.run("account", "list", language="zh_CN")
    assert "已停用" in listed
    assert "审核员（负责人）" in listed
    assert "argon2" not in listed + json.dumps(await typing.json("account", "list"))
    await typing.run("account", "enable", "wu", "--by", "值班员")
    with pytest.raises(AccountRefused):
        await house.log_in("wu", OTHER)
    assert "wu" in await typing.run("account", "unlock", "wu", "--by", "值班员")
    bound = await typing.json("account", "bind", "wu", "https://sso 1", "--by", "值班员")
    assert bound["unified"] is True


async def test_acts_are_shown_and_proven(typing: Typing) -> None:
    await typing.run("account", "link")
    await typing.run("account", "invite", "wu", "--person", "乌云", "--by", "值班员")
    refused = await typing.run(
        "account", "roles", "wu", "auditor", "system-admin", "--by", "值班员", exit_code=4
    )
    assert "account.roles-apart" in refused
    found = (await typing.json("account", "acts", "--refused"))["acts"]
    assert [(each["action"], each["outcome"]) for each in found] == [
        ("roles", "account.roles-apart")
    ]
    assert (found[0]["person"], found[0]["address"]) == ("值班员", "local")
    shown = await typing.run("account", "acts", "--subject", "account:wu", "--count", "5")
    assert "值班员" in shown
    count = len((await typing.json("account", "acts"))["acts"])
    assert f"{count} acts agree" in await typing.run("account", "acts", "--verify")
    with typing.house.station.database._store.writing.begin() as conn:
        conn.execute(kept_acts.update().values(person="别人"))
    assert "account.act" in await typing.run("account", "acts", "--verify", exit_code=6)


async def test_what_roles_there_are(typing: Typing) -> None:
    """Without a service."""
    shown = await typing.run("account", "roles", language="zh_CN")
    assert "保密审查员" in shown
    assert set(await typing.json("account", "roles")) == set(Role)
