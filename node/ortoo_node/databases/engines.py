"""Engines, made alike for every kind of database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, create_engine, exc

from ortoo_protocol.core.errors import DatabaseUrl


def create(url: URL, install: str, **options: Any) -> Engine:
    """Raises DatabaseUrl when the driver cannot be loaded; nothing is connected to yet."""
    try:
        return create_engine(url, hide_parameters=True, **options)
    except (ImportError, exc.NoSuchModuleError):
        raise DatabaseUrl(
            name=place(url), detail=f"its driver cannot be loaded; install {install}"
        ) from None


def place(url: URL, port: int = 0) -> str:
    """The database as people know it, without user or password."""
    if not url.host and not port:
        return f"{url.database}"
    return f"{url.host or 'localhost'}:{url.port or port}/{url.database or ''}"
