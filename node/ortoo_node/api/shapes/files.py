"""Files of granted resources, and tables as files: listed, ordered, fetched, downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import MaxLen

from ortoo_node.api.shapes.common import Closed, Code, Name, Text, Told
from ortoo_node.api.shapes.problems import Trouble


@dataclass(frozen=True)
class FileListed(Told):
    name: str
    size_bytes: int
    sha256: str
    modified: str | None
    media_type: str | None


@dataclass(frozen=True)
class FilesListed(Told):
    """`complete`: the list has come from the provider."""

    resource: str
    grant: str
    feed: str
    complete: bool
    files: list[FileListed]


@dataclass(frozen=True)
class TransferGiven(Closed):
    """Either `name`, of a resource of files; or `form`, of a table that is made a file of, for
    which `handler` is named."""

    resource: Code
    purpose: Name
    name: Annotated[str, MaxLen(1_024)] = ""
    form: Literal["", "csv", "csv-bom", "csv-gb18030", "xlsx", "jsonl", "parquet"] = ""
    handler: Text = ""
    grant: Text = ""


@dataclass(frozen=True)
class TransferShown(Told):
    """`state`: `ordered` while a table is made a file; `done` when the content is here.
    `sha256` and `size_bytes` are known from then on, or from the beginning of a file."""

    transfer: str
    resource: str
    grant: str
    file: str
    state: str
    size_bytes: int
    done_bytes: int
    sha256: str
    error: Trouble | None
    began_ms: int
    changed_ms: int


@dataclass(frozen=True)
class TransfersPage(Told):
    transfers: list[TransferShown]
    next: str | None
