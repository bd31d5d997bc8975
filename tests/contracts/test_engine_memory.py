"""The engine keeps its contract over a broker in memory, with the real suite and with one of other
lengths."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ortoo_protocol.core.keys import Suite, Suite1, Suites
from tests.contracts.engine_feeds import FeedsContract
from tests.contracts.engine_letters import LettersContract
from tests.contracts.engine_rig import EngineRig
from tests.contracts.memory_rig import MemoryRig
from tests.support.suite_test import SuiteOfTests
from tests.support.trust import Region


@pytest.fixture(params=[Suite1(), SuiteOfTests()], ids=["suite-1", "suite-7f"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EngineRig]:
    suite: Suite = request.param
    rig = EngineRig(tmp_path, Region(suite=suite, suites=Suites((suite,))), MemoryRig())
    await rig.program()
    try:
        yield rig
    finally:
        await rig.end()


class TestLetters(LettersContract):
    pass


class TestFeeds(FeedsContract):
    pass
