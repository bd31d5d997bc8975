"""A control method with what its parameters must be: whoever calls it, by socket or console, is
held to its annotations."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from ortoo_protocol.core.errors import DaemonRequest

Method = Callable[..., Awaitable[object]]


@dataclass(frozen=True)
class Served:
    """A method with what its parameters must be, read off its annotations once."""

    call: Method
    signature: inspect.Signature
    hints: Mapping[str, Any]

    @classmethod
    def of(cls, method: Method) -> Served:
        return cls(method, inspect.signature(method), get_type_hints(method))

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` as the method takes them; DaemonRequest if names or types differ."""
        try:
            self.signature.bind(**params)
            return {
                name: msgspec.convert(value, self.hints.get(name, Any), strict=True)
                for name, value in params.items()
            }
        except (TypeError, msgspec.ValidationError) as error:
            raise DaemonRequest(detail=error) from None
