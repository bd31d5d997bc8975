"""Files that a page gives out: saved, never shown inside the console."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response


def attachment(name: str, content: bytes, media_type: str = "application/octet-stream") -> Response:
    return Response(content, media_type=media_type, headers=saved_as(name))


def saved_as(name: str) -> dict[str, str]:
    """`name` as RFC 6266 writes it, in any script; in a sandbox, should a browser show it."""
    return {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
