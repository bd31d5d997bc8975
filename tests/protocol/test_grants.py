"""Grants: terms that hold together, an end with reason and filing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ortoo_protocol.core import grants
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import (
    CaseField,
    CodecIdentifier,
    GrantScope,
    OrtooError,
    StopReason,
)
from ortoo_protocol.core.keys import Suite1
from tests.support.bodies import ENDED, STOP, TERMS
from tests.support.forge import EXTRANET, INTRANET, NOW_MS, OTHER

replace = msgspec.structs.replace


def test_good_terms() -> None:
    assert grants.check_terms(TERMS) is TERMS
    assert grants.check_terms(TERMS, ["code", "name"]) is TERMS
    grants.check_terms(replace(TERMS, items=(), until_ms=NOW_MS + 1))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant": "A" * 32}, CaseField),
        ({"case": ""}, CaseField),
        ({"provider": "x"}, CodecIdentifier),
        ({"reader": ""}, CodecIdentifier),
        ({"provider_department": "1"}, CodecIdentifier),
        ({"reader_department": ""}, CodecIdentifier),
        ({"feed": "s150700"}, CodecIdentifier),
        ({"feed": f"{OTHER}.townships"}, GrantScope),
        ({"purpose": " \t"}, CaseField),
        ({"until_ms": NOW_MS}, CaseField),
        ({"until_ms": NOW_MS - 1}, CaseField),
        ({"items": ("code", "code")}, GrantScope),
        ({"items": ("secret",)}, GrantScope),
    ],
)
def test_other_terms(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        grants.check_terms(replace(TERMS, **changes), ["code", "name"])


def test_an_end_has_a_reason_and_a_filing() -> None:
    assert grants.check_ended(ENDED) is ENDED
    assert grants.check_filing(STOP) is STOP
    for reason in ("", "  "):
        with pytest.raises(StopReason):
            grants.check_ended(replace(ENDED, reason=reason))
        with pytest.raises(StopReason):
            grants.check_filing(replace(STOP, reason=reason))
    for field in ("grant", "filing"):
        with pytest.raises(CaseField):
            grants.check_ended(replace(ENDED, **{field: ""}))
    with pytest.raises(CaseField):
        grants.check_filing(replace(STOP, filing="x"))


def test_a_grant_is_named_by_its_bytes() -> None:
    suite, terms = Suite1(), encode(TERMS)
    name = grants.grant_hash(suite, EXTRANET, terms)
    assert name != grants.grant_hash(suite, INTRANET, terms)
    assert name != grants.grant_hash(suite, EXTRANET, encode(replace(TERMS, items=())))
