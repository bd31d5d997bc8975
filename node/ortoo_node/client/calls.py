"""What can be asked of a station, one function a call; `ortoo_node.api.shapes` has the types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from ortoo_node.api.shapes import (
    catalog,
    corrections,
    files,
    grants,
    journal,
    publishing,
    queries,
    requests,
    subscriptions,
    tokens,
)
from ortoo_node.client.call import ROOT, Call, Paged, quoted

Row = Mapping[str, Any]


def token() -> Call[tokens.TokenShown]:
    return Call("GET", f"{ROOT}/token", tokens.TokenShown)


# --- catalog ------------------------------------------------------------------------------------


def search(text: str = "", **filters: str) -> Paged[catalog.EntriesPage, catalog.EntryFound]:
    """`filters`: provider, league, department, kind, theme, share, mode, cycle, status, grade,
    freshness."""
    params = quoted(text=text, **filters)
    first = Call("GET", f"{ROOT}/catalog/entries", catalog.EntriesPage, params)
    return Paged(first, lambda page: page.entries, lambda page: page.next)


def entry(code: str) -> Call[catalog.EntryShown]:
    return Call("GET", f"{ROOT}/catalog/entries/{quote(code)}", catalog.EntryShown)


def drafts() -> Paged[catalog.DraftsPage, catalog.DraftHead]:
    first = Call("GET", f"{ROOT}/catalog/drafts", catalog.DraftsPage)
    return Paged(first, lambda page: page.drafts, lambda page: page.next)


def make_draft(given: catalog.DraftGiven) -> Call[catalog.DraftSaved]:
    return Call("POST", f"{ROOT}/catalog/drafts", catalog.DraftSaved, body=given)


def draft(number: str) -> Call[catalog.DraftShown]:
    return Call("GET", f"{ROOT}/catalog/drafts/{quote(number, safe='')}", catalog.DraftShown)


def change_draft(number: str, given: catalog.DraftGiven, etag: str) -> Call[catalog.DraftSaved]:
    """`etag`: of what was read (`Client.ask` gives it); refused as api.match if it was changed
    since."""
    path = f"{ROOT}/catalog/drafts/{quote(number, safe='')}"
    return Call("PUT", path, catalog.DraftSaved, body=given, headers={"if-match": etag})


# --- requests and grants ------------------------------------------------------------------------


def requests_of(state: str = "") -> Paged[requests.RequestsPage, requests.RequestHead]:
    first = Call("GET", f"{ROOT}/requests", requests.RequestsPage, quoted(state=state))
    return Paged(first, lambda page: page.requests, lambda page: page.next)


def make_request(given: requests.RequestGiven) -> Call[requests.RequestsMade]:
    return Call("POST", f"{ROOT}/requests", requests.RequestsMade, body=given)


def request(case: str) -> Call[requests.RequestShown]:
    return Call("GET", f"{ROOT}/requests/{quote(case, safe='')}", requests.RequestShown)


def submit(case: str) -> Call[requests.RequestMoved]:
    return Call("POST", f"{ROOT}/requests/{quote(case, safe='')}/submission", requests.RequestMoved)


def withdraw(case: str, given: requests.WithdrawalGiven) -> Call[requests.RequestMoved]:
    path = f"{ROOT}/requests/{quote(case, safe='')}/withdrawal"
    return Call("POST", path, requests.RequestMoved, body=given)


def complete(case: str, given: requests.CompletionGiven) -> Call[requests.RequestMoved]:
    path = f"{ROOT}/requests/{quote(case, safe='')}/completion"
    return Call("POST", path, requests.RequestMoved, body=given)


def grants_of(active: bool = True) -> Paged[grants.GrantsPage, grants.GrantShown]:
    first = Call("GET", f"{ROOT}/grants", grants.GrantsPage, quoted(active=active))
    return Paged(first, lambda page: page.grants, lambda page: page.next)


# --- publishing ---------------------------------------------------------------------------------


def push(
    resource: str, upserts: Iterable[Row] = (), deletes: Iterable[Row] = ()
) -> Call[publishing.Pushed]:
    """Rows whole, and the keys of those that are no more."""
    changes = [*({"upsert": row} for row in upserts), *({"delete": key} for key in deletes)]
    return _lines(f"{ROOT}/resources/{quote(resource)}/rows", changes)


def append(resource: str, events: Iterable[Row]) -> Call[publishing.Pushed]:
    return _lines(f"{ROOT}/resources/{quote(resource)}/events", events)


def _lines(path: str, values: Iterable[Any]) -> Call[publishing.Pushed]:
    body = b"\n".join(msgspec.json.encode(value) for value in values)
    return Call("POST", path, publishing.Pushed, body=body, content_type="application/x-ndjson")


def upload(resource: str, name: str, content: bytes) -> Call[publishing.FileUploaded]:
    path = f"{ROOT}/resources/{quote(resource)}/file"
    kind = "application/octet-stream"
    return Call("PUT", path, publishing.FileUploaded, {"name": name}, content, kind)


def publish(resource: str) -> Call[publishing.FilesPublished]:
    path = f"{ROOT}/resources/{quote(resource)}/publication"
    return Call("POST", path, publishing.FilesPublished)


# --- subscriptions ------------------------------------------------------------------------------


def subscriptions_of() -> Paged[subscriptions.SubscriptionsPage, subscriptions.SubscriptionShown]:
    first = Call("GET", f"{ROOT}/subscriptions", subscriptions.SubscriptionsPage)
    return Paged(first, lambda page: page.subscriptions, lambda page: page.next)


def subscribe(given: subscriptions.SubscriptionGiven) -> Call[subscriptions.SubscriptionMade]:
    return Call("POST", f"{ROOT}/subscriptions", subscriptions.SubscriptionMade, body=given)


def changes(
    subscription: str, cursor: str = "", wait_s: int = 30, limit: int = 100
) -> Call[subscriptions.Changes]:
    path = f"{ROOT}/subscriptions/{quote(subscription, safe='')}/changes"
    params = quoted(cursor=cursor, wait_s=wait_s, limit=limit)
    return Call("GET", path, subscriptions.Changes, params)


def confirm(subscription: str, cursor: str) -> Call[subscriptions.Confirmed]:
    path = f"{ROOT}/subscriptions/{quote(subscription, safe='')}/confirmations"
    given = subscriptions.CursorGiven(cursor)
    return Call("POST", path, subscriptions.Confirmed, body=given)


# --- queries ------------------------------------------------------------------------------------


def queries_of(grant: str) -> Call[queries.QueriesOffered]:
    return Call("GET", f"{ROOT}/grants/{quote(grant, safe='')}/queries", queries.QueriesOffered)


def ask(grant: str, query: str, given: queries.Question) -> Call[queries.AnswerPage]:
    """The first page; `Client.pages` gives all of them."""
    path = f"{ROOT}/grants/{quote(grant, safe='')}/queries/{quote(query, safe='')}"
    return Call("POST", path, queries.AnswerPage, body=given)


def next_page(reading: str) -> Call[queries.AnswerPage]:
    return Call("POST", f"{ROOT}/readings/{quote(reading, safe='')}/pages", queries.AnswerPage)


# --- files --------------------------------------------------------------------------------------


def files_of(resource: str, purpose: str) -> Call[files.FilesListed]:
    path = f"{ROOT}/resources/{quote(resource)}/files"
    return Call("GET", path, files.FilesListed, {"purpose": purpose})


def begin_transfer(given: files.TransferGiven) -> Call[files.TransferShown]:
    return Call("POST", f"{ROOT}/transfers", files.TransferShown, body=given)


def transfer(number: str) -> Call[files.TransferShown]:
    return Call("GET", f"{ROOT}/transfers/{quote(number, safe='')}", files.TransferShown)


def remove_transfer(number: str) -> Call[None]:
    return Call("DELETE", f"{ROOT}/transfers/{quote(number, safe='')}", None)


# --- corrections and proofs ---------------------------------------------------------------------


def corrections_of(
    closed: bool = False,
) -> Paged[corrections.CorrectionsPage, corrections.CorrectionHead]:
    first = Call("GET", f"{ROOT}/corrections", corrections.CorrectionsPage, quoted(closed=closed))
    return Paged(first, lambda page: page.corrections, lambda page: page.next)


def doubt(given: corrections.CorrectionGiven) -> Call[corrections.CorrectionShown]:
    return Call("POST", f"{ROOT}/corrections", corrections.CorrectionShown, body=given)


def correction(number: str) -> Call[corrections.CorrectionShown]:
    path = f"{ROOT}/corrections/{quote(number, safe='')}"
    return Call("GET", path, corrections.CorrectionShown)


def answer(
    number: str, given: corrections.CorrectionAnswerGiven
) -> Call[corrections.CorrectionShown]:
    path = f"{ROOT}/corrections/{quote(number, safe='')}/answer"
    return Call("POST", path, corrections.CorrectionShown, body=given)


def checkpoint() -> Call[journal.CheckpointShown]:
    return Call("GET", f"{ROOT}/journal/checkpoint", journal.CheckpointShown)


def inclusion(flow: str, size: int = 0) -> Call[journal.Inclusions]:
    params = quoted(flow=flow, size=size)
    return Call("GET", f"{ROOT}/journal/inclusion", journal.Inclusions, params)


def consistency(first: int, second: int = 0) -> Call[journal.Consistency]:
    params = quoted(first=first, second=second)
    return Call("GET", f"{ROOT}/journal/consistency", journal.Consistency, params)
