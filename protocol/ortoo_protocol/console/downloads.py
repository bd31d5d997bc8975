"""Files that a page gives out: saved, never shown inside the console."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response


def attachment(name: str, content: bytes, media_type: str = "application/octet-stream") -> Response:
    """`name` as RFC 6266 writes it, in any script; in a sandbox, should a browser show it."""
    return Response(
        content,
        media_type=media_type,
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "content-security-policy": "sandbox; default-src 'none'",
        },
    )
