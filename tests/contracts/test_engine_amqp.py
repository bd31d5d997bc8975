"""The engine keeps its contract over a real broker with TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ortoo_demo.private_broker import PrivateBroker
from tests.contracts.amqp_rig import amqp_rig
from tests.contracts.engine_feeds import FeedsContract
from tests.contracts.engine_letters import LettersContract
from tests.contracts.engine_rig import EngineRig
from tests.support.trust import Region


@pytest.fixture
async def rig(broker: PrivateBroker, tmp_path: Path) -> AsyncIterator[EngineRig]:
    async with amqp_rig(broker) as bus_rig:
        rig = EngineRig(tmp_path, Region(), bus_rig)
        await rig.program()
        try:
            yield rig
        finally:
            await rig.end()


class TestLetters(LettersContract):
    pass


class TestFeeds(FeedsContract):
    pass
