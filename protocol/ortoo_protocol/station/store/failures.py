"""What the database says when it cannot, as errors that an administrator understands."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from ortoo_protocol.core.errors import StoreError, StoreFull, StoreReadOnly

_FULL = frozenset(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC"))
_READ_ONLY = frozenset(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_CANTOPEN"))


def store_failure(error: BaseException, where: object = "?") -> BaseException:
    """The StoreError behind a database error that no job can help; other errors as they are.
    `where` is the file, as people are told."""
    if not isinstance(error, DBAPIError):
        return error
    cause = error.orig
    name = getattr(cause, "sqlite_errorname", "")
    if name in _FULL or "disk is full" in str(cause):
        return StoreFull(path=where)
    if name in _READ_ONLY or name.startswith("SQLITE_READONLY"):
        return StoreReadOnly(path=where)
    if isinstance(cause, sqlite3.IntegrityError):
        return error
    if isinstance(cause, sqlite3.OperationalError):
        return StoreError(detail=str(cause))
    return error
