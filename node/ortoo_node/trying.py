"""Whether a source or a sink of the settings answers, tried at once for whoever asks.

Nothing is written and no row is read. What only its next use can show (rights on one table, the
program behind a webhook) is not tried.
"""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import exc

from ortoo_node.databases import judge, open_reader, open_writer, place, read_url
from ortoo_node.settings import NodeSettings
from ortoo_node.sources.function import load
from ortoo_protocol.core.errors import (
    SinkFolder,
    SinkUnreachable,
    SinkWebhookFailed,
    SourceFolder,
    SourceUnreachable,
)
from ortoo_protocol.station.signed_posts import read_secrets

CONNECT_S = 5.0
_PORTS = {"https": 443, "http": 80}


def source(settings: NodeSettings, name: str) -> None:
    """Raises SettingsLacking, DatabaseUrl, SourceUnreachable, SourceCall."""
    folder = settings.folder_named(name)
    if folder is not None and folder.read:
        if not os.access(folder.read_path, os.R_OK | os.X_OK):
            raise SourceFolder(name=name, path=folder.read_path, detail=_why(folder.read_path))
        return
    function = settings.function(name)
    if function is not None:
        load(name, function.call, function.folder)
        return
    url = read_url(settings.source(name).read_url(), name)
    engine = open_reader(url)
    try:
        with engine.connect():
            pass
    except exc.SQLAlchemyError as error:
        raise SourceUnreachable(name=place(url), table="", detail=judge(error)[1]) from error
    finally:
        engine.dispose()


def sink(settings: NodeSettings, name: str) -> None:
    """Raises SettingsLacking, DatabaseUrl, SettingsSecret, SinkUnreachable, SinkWebhookFailed."""
    folder = settings.folder_named(name)
    if folder is not None and folder.write:
        _writable(name, folder.write_path, folder.write_path)
        return
    if settings.pull_named(name) is not None:
        return  # kept here: there is nothing to reach
    webhook = settings.webhook_named(name)
    if webhook is not None:
        read_secrets(webhook.secret_file)
        _listens(name, webhook.url)
        return
    url = read_url(settings.sink(name).read_url(), name)
    if url.host is None and url.database and not Path(url.database).exists():
        # A file is made with the first row, not before.
        folder_of = Path(url.database).parent
        _writable(name, folder_of, _nearest(folder_of))
        return
    engine = open_writer(url)
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            transaction.rollback()
    except exc.SQLAlchemyError as error:
        raise SinkUnreachable(name=place(url), table="", detail=judge(error)[1]) from error
    finally:
        engine.dispose()


def _writable(name: str, path: Path, asked: Path) -> None:
    """`asked`: the folder that has to be there and to be ours to write. That of a front-end machine
    is made by nobody: on a mount that is away it would stand in the empty place."""
    if not asked.is_dir() or not os.access(asked, os.W_OK | os.X_OK):
        raise SinkFolder(name=name, table="", path=path, detail=_why(asked))


def _nearest(path: Path) -> Path:
    """The path, or what is there of it."""
    return next(each for each in (path, *path.parents) if each.exists())


def _why(path: Path) -> str:
    return f"{path}: {'not permitted' if path.is_dir() else 'there is no such folder'}"


def _listens(name: str, url: str) -> None:
    parts = urlsplit(url)
    where = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        with closing(socket.create_connection(where, CONNECT_S)):
            pass
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise SinkWebhookFailed(name=name, table="", detail=detail) from error
