"""A call as a value: what is sent, and what the answer is read as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
P = TypeVar("P")
ROOT = "/api/v1"


@dataclass(frozen=True)
class Call(Generic[T]):
    """`answer`: the type of the answer's body, None where there is none. `body`: a value that goes
    as JSON, or bytes with their `content_type`."""

    method: str
    path: str
    answer: type[T] | None
    params: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes | None:
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return msgspec.json.encode(self.body)

    def read(self, body: bytes) -> T:
        """Raises msgspec.DecodeError."""
        return msgspec.json.decode(body, type=self.answer)


@dataclass(frozen=True)
class Paged(Generic[P, T]):
    """A list: the call of its first page, and what stands in each."""

    first: Call[P]
    items: Callable[[P], list[T]]
    following: Callable[[P], str | None]

    def after(self, cursor: str) -> Call[P]:
        return replace(self.first, params={**self.first.params, "cursor": cursor})


def quoted(**params: str | int | float | bool | None) -> dict[str, str | int | float | bool]:
    """Parameters that were given."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in params.items()
        if value is not None and value != ""
    }
