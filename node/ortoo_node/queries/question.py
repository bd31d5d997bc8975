"""What a caller asks and is given: a question, its ask under a grant, pages, a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    CaseField,
    GrantError,
    OrtooError,
    QueryError,
    QueryPurpose,
)
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import (
    SALT_BYTES,
    QueryAsk,
    QueryRefusal,
    check_ask,
    pack_parameters,
)
from ortoo_protocol.station.context import Pen
from ortoo_protocol.station.control_client import classes, facts_of

TIMEOUT_S = 30.0
WINDOW, PAGE_ROWS = 4, 1_000
Row = tuple[Scalar, ...]


@dataclass(frozen=True)
class Question:
    grant: str
    query: str
    purpose: str
    handler: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict, repr=False)
    page_rows: int = PAGE_ROWS
    window: int = WINDOW
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True)
class Page:
    """`number` of `pages`, from 0; `rows_in_all` and `cut` are those of the whole answer."""

    number: int
    pages: int
    columns: tuple[Column, ...]
    rows: Sequence[Row] = field(repr=False)
    rows_in_all: int
    cut: str


def ask_of(pen: Pen, question: Question, terms: GrantTerms) -> QueryAsk:
    """Raises CaseField, QueryPurpose, CodecError."""
    if not question.handler.strip():
        raise CaseField(field="handler", detail="who asks?")
    if question.purpose.strip() != terms.purpose.strip():
        raise QueryPurpose(detail=f"granted for {terms.purpose}")
    return check_ask(
        QueryAsk(
            ask=pen.new_id().hex(),
            grant=terms.grant,
            query=question.query,
            purpose=question.purpose,
            handler=question.handler,
            salt=pen.parts.rand(SALT_BYTES),
            parameters=pack_parameters(question.parameters),
            page_rows=question.page_rows,
            window=question.window,
        )
    )


_DETAILS = frozenset(("detail", "reason"))


def refused(body: QueryRefusal) -> OrtooError:
    """The provider's refusal as the error it is; facts that did not travel say its detail."""
    made = classes().get(body.error)
    if made is None or not issubclass(made, (QueryError, GrantError)):
        return QueryError(detail=f"{body.error} {body.detail}")
    named = facts_of(made.what) | facts_of(made.cure)
    return made(**{name: body.detail if name in _DETAILS else "-" for name in named})
