"""Settings (配置): one TOML file per process, read once into frozen values that are handed in.

Every key is known or refused, with the line it stands in. Relative paths count from the folder of
the file. Secrets never stand in it: it names files of mode 0600 that hold one line each.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from ortoo_protocol.core.errors import (
    CodecIdentifier,
    SettingsError,
    SettingsLacking,
    SettingsMissing,
    SettingsSecret,
    SettingsType,
    SettingsUnknown,
    SettingsValue,
)
from ortoo_protocol.core.ids import Plane, check_party

FILE_NAME = "station.toml"
MAX_FILE_BYTES = 256 * 1024
MAX_SECRET_BYTES = 4 * 1024

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every settings table: exactly these keys."""


class StationTable(Table, frozen=True):
    """`folder` holds the store, socket, log and trust; `language` serves where ORTOO_LANG is unset.

    `name` is the organisation's name as it enrols; the directory's counts afterwards. `log`: lines
    for people (text), or one object a line for programs that collect them (json).
    """

    party: str
    plane: Plane
    name: str = ""
    folder: Path = Path()
    language: str = "zh_CN"
    log: Literal["text", "json"] = "text"


class KeysTable(Table, frozen=True):
    file: Path = Path("keys/station.key")
    passphrase_file: Path = Path("keys/passphrase")


class BrokerTable(Table, frozen=True):
    """Where this plane's broker listens for AMQP over TLS. `user` is the party id if left out.
    `other_hosts`: further nodes of the same cluster, at the same port; while one is away, the next
    is tried."""

    host: Text
    port: Port = 5671
    other_hosts: tuple[Text, ...] = ()
    vhost: Text = "/"
    user: str = ""
    password_file: Path = Path("keys/broker.password")
    ca_file: Path = Path("keys/broker.ca.pem")
    heartbeat_s: Annotated[int, msgspec.Meta(ge=1, le=600)] = 10
    connect_timeout_s: Positive = 10.0


class Timing(Table, frozen=True):
    """Intervals and bounds of the engine; the defaults suit, and tests shorten them.

    `items_kept_s`, `items_kept_bytes`: how long, and how much of each feed, published items can be
    asked for again; beyond that a reader takes a snapshot. `witness_s`: how often a station asks
    for the hub's checkpoint, to cosign it.
    """

    head_s: Positive = 60.0
    gap_ask_s: Positive = 2.0
    checkpoint_s: Positive = 10.0
    witness_s: Positive = 600.0
    checkpoint_rows: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 256
    linger_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 20
    receipt_linger_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 20
    reconnect_first_s: Positive = 0.5
    reconnect_cap_s: Positive = 30.0
    retry_first_s: Positive = 1.0
    publish_timeout_s: Positive = 30.0
    timestamp_s: Positive = 600.0
    items_kept_s: Positive = 35 * 86_400.0
    items_kept_bytes: Annotated[int, msgspec.Meta(ge=1 << 20)] = 4 << 30


class WatchTable(Table, frozen=True):
    """`token_file`: one line; whoever bears it sees from elsewhere what this machine may see
    anyway: each problem and all figures (`/healthz`, `/metrics` of whatever listener there is)."""

    token_file: Path | None = None


class ConsoleTable(Table, frozen=True):
    """Where people reach this daemon with a browser; without this table there is no console.

    Beyond this machine only with TLS. `hosts`: names under which browsers may ask for it, beside
    `address` (a page of elsewhere that makes its name point here is refused).
    """

    address: str = "127.0.0.1"
    port: Port = 8440
    cert_file: Path | None = None
    key_file: Path | None = None
    hosts: tuple[str, ...] = ()
    max_upload_mb: Annotated[int, msgspec.Meta(ge=1, le=1_024)] = 64


class BackupTable(Table, frozen=True):
    """`folder`: where `backup create` puts backups by itself; `keep`: how many stay there.

    For whom they are sealed: `passphrase_file` (one line, mode 0600), `to` (public keys of
    `backup key`), or both. `warn_hours`: after that without a new one doctor warns.
    """

    folder: Path | None = None
    keep: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 14
    passphrase_file: Path | None = None
    to: tuple[str, ...] = ()
    warn_hours: Annotated[int, msgspec.Meta(ge=1, le=8_760)] = 36


class Settings(Table, frozen=True):
    """The common part. A station that has not enrolled yet has no broker."""

    station: StationTable
    keys: KeysTable = KeysTable()
    broker: BrokerTable | None = None
    timing: Timing = Timing()
    watch: WatchTable = WatchTable()
    console: ConsoleTable | None = None
    backup: BackupTable = BackupTable()

    @property
    def folder(self) -> Path:
        return self.station.folder

    @property
    def store_file(self) -> Path:
        return self.folder / "store.sqlite"

    @property
    def socket_file(self) -> Path:
        return self.folder / "control.sock"

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    @property
    def trust_folder(self) -> Path:
        """What trust begins with: at a station `welcome` and `root.fingerprint`, as two people
        compared it; at a hub the documents `root` and `directory` of the ceremony."""
        return self.folder / "trust"

    def need_broker(self) -> BrokerTable:
        if self.broker is None:
            raise SettingsLacking(place=str(self.folder / FILE_NAME), key="broker")
        if self.broker.user:
            return self.broker
        return msgspec.structs.replace(self.broker, user=self.station.party)


S = TypeVar("S", bound=Settings)
T = TypeVar("T")


def locate(path: Path) -> Path:
    """The settings file that `path` means: itself, or the one in that folder."""
    return (path / FILE_NAME if path.is_dir() else path).absolute()


def load(path: Path, shape: type[S]) -> S:
    """Read the settings file `path` into `shape`.

    Raises SettingsMissing, SettingsUnknown, SettingsLacking, SettingsValue, or SettingsError for
    a file that is no TOML or cannot be read.
    """
    file = locate(path)
    try:
        with file.open("rb") as handle:
            raw = handle.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise SettingsMissing(path=file) from None
    except OSError as error:
        raise SettingsError(path=file, detail=error.strerror) from None
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsError(path=file, detail=f"larger than {MAX_FILE_BYTES} bytes")
    try:
        text = raw.decode()
        settings = msgspec.convert(tomllib.loads(text), shape, dec_hook=_hook)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(path=file, detail=error) from None
    except msgspec.ValidationError as error:
        raise _named(file, text, str(error)) from None
    try:
        check_party(settings.station.party)
    except CodecIdentifier:
        detail = "a role (h or s) and a division code, such as s150700"
        raise _value(file, text, "station.party", detail) from None
    return _anchored(settings, file.parent)


def _hook(wanted: type[Any], value: Any) -> Any:
    if wanted is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise ValueError("Expected a path")


def _anchored(value: T, base: Path) -> T:
    """`value` with every relative path below it made absolute from `base`."""
    if isinstance(value, Path):
        return base / value
    if isinstance(value, tuple):
        return tuple(_anchored(one, base) for one in value)  # type: ignore[return-value]
    if isinstance(value, Table):
        parts = {name: _anchored(getattr(value, name), base) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **parts)
    return value


_AT = re.compile(r"^(?P<said>.*?)(?: - at `\$\.?(?P<at>[^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"field `(?P<name>[^`]*)`")
_TYPES = re.compile(r"^Expected `(?P<expected>[^`]*)`, got `(?P<found>[^`]*)`$")


def _named(file: Path, text: str, message: str) -> SettingsError:
    """msgspec's message as an error of the tree, with the key's full name and its line."""
    found = _AT.match(message)
    said, at = (found["said"], found["at"] or "") if found else (message, "")
    field = _FIELD.search(said)
    key = ".".join(filter(None, (at, field["name"] if field else "")))
    if field and "unknown" in said:
        return SettingsUnknown(place=_place(file, text, key), key=key)
    if field and "missing" in said:
        return SettingsLacking(place=_place(file, text, at), key=key)
    if types := _TYPES.match(said):
        return SettingsType(place=_place(file, text, at), key=at, **types.groupdict())
    return _value(file, text, at, said)


def _value(file: Path, text: str, key: str, detail: str) -> SettingsValue:
    return SettingsValue(place=_place(file, text, key), key=key, detail=detail)


_HEADING = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+?)\s*=")


def _place(file: Path, text: str, key: str) -> str:
    """`file:line` of `key` (such as `broker.port`, `sinks[1].url`) as far as it is written out."""
    lines = lines_of(text)
    parent = key.rpartition(".")[0]
    line_number = lines.get(key) or lines.get(parent)
    return f"{file}:{line_number}" if line_number else str(file)


def lines_of(text: str) -> dict[str, int]:
    """In which line each key and each table stands, as far as it is written out."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _HEADING.match(line):
            table = heading[2]
            if heading[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            lines.setdefault(table, number)
        elif assigned := _KEY.match(line):
            name = assigned[1].strip("\"'")
            lines.setdefault(f"{table}.{name}" if table else name, number)
    return lines


def read_secret(path: Path) -> str:
    """The one line of the secret file `path`; SettingsSecret unless only this user can read it.

    root's own files may be readable for root's group: that is how systemd hands out credentials.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SettingsSecret(path=path, detail=error.strerror) from None
    try:
        _check_secret(path, os.fstat(descriptor))
        raw = os.read(descriptor, MAX_SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    try:
        secret = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SettingsSecret(path=path, detail="not text") from None
    if not secret or "\n" in secret or len(raw) > MAX_SECRET_BYTES:
        raise SettingsSecret(path=path, detail="not exactly one line")
    return secret


def read_watch_token(table: WatchTable) -> str:
    """Empty: there is none. Raises SettingsSecret."""
    return "" if table.token_file is None else read_secret(table.token_file)


def _check_secret(path: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise SettingsSecret(path=path, detail="not a plain file")
    if about.st_uid not in (os.geteuid(), 0):
        raise SettingsSecret(path=path, detail="it belongs to another user")
    allowed = 0o740 if about.st_uid == 0 == about.st_gid else 0o700
    if stat.S_IMODE(about.st_mode) & ~allowed:
        raise SettingsSecret(path=path, detail=f"mode {stat.S_IMODE(about.st_mode):04o}")


def write_secret(path: Path, secret: str) -> None:
    """Make the new file `path` of mode 0600 with `secret` as its one line."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsSecret(path=path, detail=error.strerror) from None
    with open(descriptor, "w", encoding="utf-8") as handle:
        handle.write(secret + "\n")
