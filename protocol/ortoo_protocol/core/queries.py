"""Online query (在线查询): what is asked under a grant, and what comes back in pages.

The answer belongs to one moment: the provider reads it whole, then gives it page by page, as many
at once as the reader's window allows. Parameters are personal data: they travel sealed, and what
both sides keep of them in the open is a digest that the ask's own salt makes unguessable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ortoo_protocol.core.codec import Count, Packed, Scalar, Shape, check_scalars, encode, unpack
from ortoo_protocol.core.errors import CodecShape, QueryParameter
from ortoo_protocol.core.feeds import UPSERT, Column, TableSchema, read_row_part
from ortoo_protocol.core.grants import check_texts
from ortoo_protocol.core.ids import ColumnName, HexId, Plane
from ortoo_protocol.core.keys import Suite, domain
from ortoo_protocol.core.rows import optional_checks

Row = tuple[Scalar, ...]

SALT_BYTES = 16
MAX_PARAMETERS = 100
MAX_PARAMETER_BYTES = 64 << 10
MAX_WINDOW = 64
MAX_PAGE_ROWS = 4_096
MAX_COLUMNS = 1_000
# How a grant says that it may be queried: the Measures' own words (art. 18) and the common ones.
MODES = frozenset(("在线查询", "联机查询"))
_SEPARATORS = re.compile(r"[、,，;；/\s]+")


class QueryAsk(Shape, frozen=True):
    """`parameters`: a msgpack map from name to scalar, as its asker made it. `window`: pages that
    may come before the next `query.more`."""

    ask: HexId
    grant: HexId
    query: str
    purpose: str
    handler: str
    salt: bytes
    parameters: bytes
    page_rows: Count
    window: Count


class QueryMore(Shape, frozen=True):
    """Pages `first` to `first` + `window` - 1: the next ones, or those that were lost."""

    ask: HexId
    first: Count
    window: Count


class QueryPage(Shape, frozen=True):
    """Page `number` of `pages`, from 0; further parts are its rows (upserts of `columns`).

    `rows`: of the whole answer. `cut`: why it is not all there is (`rows`, `bytes`), or empty.
    """

    ask: HexId
    number: Count
    pages: Count
    rows: Count
    cut: str
    columns: tuple[Column, ...]


class QueryRefusal(Shape, frozen=True):
    """The provider does not answer: `error` is a stable code."""

    ask: HexId
    error: str
    detail: str


class QueryDescribe(Shape, frozen=True):
    """Which queries may be asked under this grant?"""

    ask: HexId
    grant: HexId


class ParameterRule(Packed, frozen=True):
    """`type` and `length` as of a catalog item; `pattern` empty: any; `choices` empty: any."""

    name: ColumnName
    title: str
    type: str
    length: Count
    required: bool
    pattern: str
    choices: tuple[str, ...]


class QuerySignature(Shape, frozen=True):
    """What a reader has to know of a declared query; never how it is answered."""

    code: str
    name: str
    parameters: tuple[ParameterRule, ...]
    columns: tuple[Column, ...]
    max_rows: Count
    timeout_ms: Count
    calls_a_minute: Count
    calls_a_day: Count


class QueryDescribed(Shape, frozen=True):
    ask: HexId
    queries: tuple[QuerySignature, ...]


def allows_query(mode: str) -> bool:
    """Whether a grant of this mode of sharing (共享方式) may be queried."""
    return bool(MODES & set(modes_in(mode)))


def only_query(mode: str) -> bool:
    """Whether it may be queried and nothing else."""
    named = set(modes_in(mode))
    return bool(named) and named <= MODES


def modes_in(mode: str) -> list[str]:
    """The modes that a text names, as people wrote them."""
    return [each for each in _SEPARATORS.split(mode) if each]


def check_ask(ask: QueryAsk) -> QueryAsk:
    """Raises CaseField, CodecShape."""
    check_texts(ask)
    if len(ask.salt) != SALT_BYTES:
        raise CodecShape(expected="QueryAsk", detail="its salt")
    if not 1 <= ask.window <= MAX_WINDOW or not 1 <= ask.page_rows <= MAX_PAGE_ROWS:
        raise CodecShape(expected="QueryAsk", detail="its window or page")
    return ask


def pack_parameters(values: Mapping[str, Scalar]) -> bytes:
    """Raises CodecMalformed."""
    check_scalars(list(values.values()))
    return encode(dict(values))


def read_parameters(packed: bytes) -> dict[str, Scalar]:
    """Raises QueryParameter (too many, too long), CodecError."""
    if len(packed) > MAX_PARAMETER_BYTES:
        raise QueryParameter(detail=f"above {MAX_PARAMETER_BYTES} bytes in all")
    values = unpack(packed, max_containers=1)
    if type(values) is not dict or len(values) > MAX_PARAMETERS:
        raise QueryParameter(detail="not a map, or too many")
    check_scalars(list(values.values()))
    return values


def parameters_digest(suite: Suite, plane: Plane, salt: bytes, packed: bytes) -> bytes:
    """What both sides keep in the open: equal for the same ask, and without its salt no guess at
    an identity number can be tried against it."""
    return suite.hash(domain("ortoo/query-parameters", plane, salt, packed))


def check_page(page: QueryPage) -> QueryPage:
    if not page.columns or len(page.columns) > MAX_COLUMNS or page.number >= page.pages:
        raise CodecShape(expected="QueryPage", detail="its columns or number")
    if page.cut not in ("", "rows", "bytes"):
        raise CodecShape(expected="QueryPage", detail="its cut")
    return page


def read_rows(page: QueryPage, parts: Sequence[bytes]) -> list[Row]:
    """Raises CodecError, RowsValue: a value is not of its column's type. An answer has no key."""
    schema = TableSchema(number=1, columns=page.columns, key=(page.columns[0].name,))
    checks = optional_checks(page.columns)
    rows = []
    for part in parts:
        change = read_row_part(part, schema)
        if change.op != UPSERT:
            raise CodecShape(expected="row", detail="an answer holds a delete")
        rows.append(tuple([check(v) for check, v in zip(checks, change.values, strict=True)]))
    return rows
