"""When a call is tried again: it is safe to repeat (a POST bears an Idempotency-Key), and what came
back is of the kind that passes."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from ortoo_node.client.call import Call, T
from ortoo_node.client.errors import Broken, refusal

PASSING = frozenset((408, 429, 502, 503, 504))
UNDER_WAY = b'"api.under-way"'
LONGEST_S = 60.0


@dataclass(frozen=True)
class Trying:
    """`attempts` in all; between them `pause_s`, doubled each time, with full jitter, or what
    Retry-After says."""

    attempts: int = 5
    pause_s: float = 0.5

    def after_s(self, tried: int, answer: httpx.Response | None) -> float | None:
        """How long to wait before the next; None: it is not tried again."""
        if tried >= self.attempts or (answer is not None and not passes(answer)):
            return None
        said = "" if answer is None else answer.headers.get("retry-after", "")
        if said.isdigit():
            return min(float(said), LONGEST_S)
        most_s = min(self.pause_s * 2 ** (tried - 1), LONGEST_S)
        return random.uniform(0, most_s)  # noqa: S311  # so that programs do not come together


def passes(answer: httpx.Response) -> bool:
    return answer.status_code in PASSING or (
        answer.status_code == 409 and UNDER_WAY in answer.content
    )


def request_of(call: Call[Any], key: str | None = None) -> dict[str, Any]:
    """What httpx's `request` takes; the same for every attempt."""
    headers = dict(call.headers)
    content = call.content
    if content is not None:
        headers["content-type"] = call.content_type
    if call.method == "POST":
        headers["idempotency-key"] = key or str(uuid.uuid4())
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.params),
        "content": content,
        "headers": headers,
    }


def settings(token: str, language: str) -> dict[str, Any]:
    return {
        "headers": {"authorization": f"Bearer {token}", "accept-language": language},
        "trust_env": False,
    }


def read(call: Call[T], answer: httpx.Response) -> T:
    """Raises Refused, Broken."""
    if answer.status_code >= 300:
        raise refusal(answer.status_code, answer.content)
    try:
        return call.read(answer.content or b"null")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Broken(f"{call.path}: {error}") from None
