"""File feeds (文件主题): which files there are is a table feed, their contents come on request.

A file feed is a table feed of exactly `COLUMNS`: a row names a file and its SHA-256. Whoever may
read the feed asks its publisher for chunks of such a file by that hash, a bounded range at a time,
so no letter grows with a file. A chunk is a sealed and signed letter like any other; that all of
them together are the file which the feed named, its hash says at the end.

A table is downloaded (批量下载) the same way: its reader orders a file of what the grant shows, the
provider makes it and says its hash, and it is fetched like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.codec import Count, Scalar, Shape
from ortoo_protocol.core.errors import CaseField, CodecShape, FileForm, FileName
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.grants import check_texts
from ortoo_protocol.core.ids import Digest, FeedId, HexId

COLUMNS = (
    Column("name", "C", 1024),
    Column("size_bytes", "I", 0),
    Column("sha256", "C", 64),
    Column("modified", "T", 0),
    Column("media_type", "C", 127),
)
KEY = ("name",)
TITLES = ("文件名", "大小（字节）", "SHA-256", "修改时间", "媒体类型")
SHA256_BYTES = 32
# Forms that a table can be ordered in, and how their files end.
FORMS = {
    "csv": "csv",
    "csv-bom": "csv",  # spreadsheet programs know by the mark that it is UTF-8
    "csv-gb18030": "csv",
    "jsonl": "jsonl",
    "xlsx": "xlsx",
    "parquet": "parquet",
}

# A padded body is a multiple of 64 KiB; with these, secret, tag and framing fit into 1 MiB, and
# chunks begin at pages of the file. What a letter costs whatever its length (signature, confirm,
# acknowledgement) is a quarter of what it would be with 256 KiB.
CHUNK_BYTES = MAX_CHUNK_BYTES = 1020 << 10
MAX_CHUNKS_AN_ASK = 64
MAX_FILE_BYTES = 1 << 50

_MOST_NAME_BYTES = 1024
_MOST_PART_BYTES = 240  # a file system's 255, less what a name has while it is written
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\u202a-\u202e\u2066-\u2069]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE)


class FileAsk(Shape, frozen=True):
    """`count` chunks of a file from `first` on; none: its manifest. `file` is its SHA-256;
    `purpose` the grant's own."""

    grant: HexId
    purpose: str
    feed: FeedId
    name: str
    file: Digest
    first: Count
    count: Count

    def __post_init__(self) -> None:
        _check_digest("FileAsk", self.file)
        if self.count > MAX_CHUNKS_AN_ASK:
            raise CodecShape(expected="FileAsk", detail=f"{self.count} chunks at once")


class FileManifest(Shape, frozen=True):
    """How a file comes: `chunks` of `chunk_bytes`, the last one shorter."""

    feed: FeedId
    name: str
    file: Digest
    size_bytes: Count
    chunk_bytes: Count
    chunks: Count

    def __post_init__(self) -> None:
        _check_digest("FileManifest", self.file)
        if self.size_bytes > MAX_FILE_BYTES or not 0 < self.chunk_bytes <= MAX_CHUNK_BYTES:
            raise CodecShape(expected="FileManifest", detail="sizes out of range")
        if self.chunks != chunks_of(self.size_bytes, self.chunk_bytes):
            raise CodecShape(expected="FileManifest", detail="chunks do not make up the file")


class FileChunk(Shape, frozen=True):
    """Chunk `index`, from 0, of `file`; its bytes are the one further part."""

    file: Digest
    index: Count

    def __post_init__(self) -> None:
        _check_digest("FileChunk", self.file)


class FileRefusal(Shape, frozen=True):
    """Why a file does not come: a code; the text beside it is for people."""

    feed: FeedId
    name: str
    file: Digest
    error: str
    detail: str


class FileOrder(Shape, frozen=True):
    """A table as a file, of the rows that `grant` shows when it is made. `form`: one of FORMS;
    `purpose`: the granted one; `handler` (经办人): who asks."""

    order: HexId
    grant: HexId
    form: str
    purpose: str
    handler: str


class FileMade(Shape, frozen=True):
    """What was ordered is there, to be fetched by `file.ask` for a while: `rows` as they stood
    after item `seq`."""

    order: HexId
    feed: FeedId
    name: str
    file: Digest
    size_bytes: Count
    rows: Count
    incarnation: Count
    seq: Count

    def __post_init__(self) -> None:
        _check_digest("FileMade", self.file)
        if self.size_bytes > MAX_FILE_BYTES:
            raise CodecShape(expected="FileMade", detail="its size")


class FileNotMade(Shape, frozen=True):
    """Why what was ordered is not made: a code; the text beside it is for people."""

    order: HexId
    error: str
    detail: str


def check_order(order: FileOrder) -> FileOrder:
    """Raises CaseField, FileForm."""
    check_texts(order)
    if not order.handler.strip():
        raise CaseField(field="handler", detail="who asks?")
    if order.form not in FORMS:
        raise FileForm(detail=f"{order.form[:20]!a} is none of {', '.join(FORMS)}")
    return order


def ordered_name(order: str, resource: str, form: str) -> str:
    """What a table that was ordered is called, at both ends."""
    return f"{resource.replace('/', '-')}-{order[-8:]}.{FORMS[form]}"


def chunks_of(size_bytes: int, chunk_bytes: int) -> int:
    return -(-size_bytes // chunk_bytes)


def chunk_size(size_bytes: int, chunk_bytes: int, index: int) -> int:
    """How many bytes chunk `index` of a file has."""
    return max(0, min(chunk_bytes, size_bytes - index * chunk_bytes))


def is_files(schema: TableSchema) -> bool:
    """Whether rows of `schema` name files."""
    return schema.columns == COLUMNS and schema.key == KEY


def are_file_items(items: Sequence[Item]) -> bool:
    """Whether a catalog entry's items are those of a file feed."""
    columns = tuple(Column(item.column, item.type, item.length) for item in items)
    return columns == COLUMNS and tuple(item.column for item in items if item.key) == KEY


def check_name(name: Scalar) -> str:
    """A name that leads nowhere but below a folder, on every system that may hold it: parts joined
    by ``/``, none hidden, none with what Windows cannot write or what hides text from people.
    Raises FileName."""
    if type(name) is not str or not name:
        raise FileName(file=repr(name)[:60], detail="it is empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise FileName(file=ascii(name)[:60], detail="it is no text") from None
    if size > _MOST_NAME_BYTES:
        raise FileName(file=ascii(name[:60]), detail=f"it has {size} bytes")
    for part in name.split("/"):
        wrong = _wrong_part(part)
        if wrong:
            raise FileName(file=ascii(name[:60]), detail=wrong)
    return name


def _wrong_part(part: str) -> str:
    if part in ("", ".", ".."):
        return "it leads out of its folder"
    if part[0] in ".~ " or part[-1] in ". ":
        return "a part of it begins or ends as no visible file does"
    if _FORBIDDEN.search(part):
        return "it has a character that no name may have"
    if _RESERVED.fullmatch(part):
        return "it is a name that systems reserve"
    if len(part.encode()) > _MOST_PART_BYTES:
        return f"a part of it is longer than {_MOST_PART_BYTES} bytes"
    return ""


def _check_digest(shape: str, value: bytes) -> None:
    if len(value) != SHA256_BYTES:
        raise CodecShape(expected=shape, detail=f"a SHA-256 of {len(value)} bytes")
