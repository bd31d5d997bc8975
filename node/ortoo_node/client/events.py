"""Server-sent events, line by line (WHATWG HTML, 9.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ortoo_node.api.shapes.subscriptions import Changes


@dataclass
class Reader:
    _data: list[str] = field(default_factory=list)

    def line(self, line: str) -> Changes | None:
        """What ends with this line, if something does."""
        name, _, value = line.partition(":")
        if not line:
            data, self._data = "\n".join(self._data), []
            return msgspec.json.decode(data, type=Changes) if data else None
        if name == "data":
            self._data.append(value.removeprefix(" "))
        return None
