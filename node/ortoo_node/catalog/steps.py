"""The steps of a draft at this station: what each does beside moving it (core.catalog.steps)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ortoo_node.catalog import changes, drafts, mirror, numbers, own, stopping
from ortoo_node.catalog.drafts import Draft
from ortoo_node.catalog.rules import DEFAULT, Rules
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.codes import check_code, check_range
from ortoo_protocol.core.catalog.elements import DEPARTMENT, PLANNED, PUBLISHED
from ortoo_protocol.core.catalog.intake import as_entry, fields_of, problems
from ortoo_protocol.core.catalog.relations import check_relations
from ortoo_protocol.core.catalog.steps import (
    DUTIES,
    MOVES,
    Act,
    Side,
    State,
    Taken,
    check_duty,
    move,
    open_acts,
    this_round,
)
from ortoo_protocol.core.errors import (
    CatalogAuthority,
    CatalogCode,
    CatalogDraftUnknown,
    CatalogImpact,
    CatalogLeadOther,
    CatalogOwner,
    CatalogStep,
    CatalogUnknown,
    StopReason,
)
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.law.profiles import Profile, profile_named
from ortoo_protocol.station.context import Tx

save_draft = drafts.save_draft
Outcome = Mapping[str, Any]
Effect = Callable[[Tx, Draft, str, str, Rules], Outcome | None]


def act(tx: Tx, draft: str, act: str, who: str, why: str = "", rules: Rules = DEFAULT) -> Draft:
    """Take one step of a draft; `draft` is its number, or a code (its newest version).

    Returns the draft as it stands then; for `revise` the new one. Raises CatalogStep for what the
    table does not list, CatalogDuties, CatalogReason, CatalogAuthority, and what the step asks.
    """
    step = _act(act)
    return _take(tx, _meant(tx, draft, step), step, who, why, rules)[0]


def stop(tx: Tx, code: str, reason: str, by: str, approver: str, rules: Rules = DEFAULT) -> Outcome:
    """Filing and stop at once: `by` files for the department, `approver` stops for the authority.
    Returns what was filed, how many grants ended (art. 18).

    Raises StopReason, CatalogUnknown, CatalogOwner, CatalogStep, CatalogDuties, CatalogAuthority.
    """
    if not reason.strip() or not by.strip() or not approver.strip():
        raise StopReason()
    if mirror.entry(tx.conn, code).provider != tx.party:
        raise CatalogOwner(resource=code)
    found = _meant(tx, code, Act.FILE_STOP)
    if found.state is not State.STOPPING:
        found, _ = _take(tx, found, Act.FILE_STOP, by, reason, rules)
    _, outcome = _take(tx, found, Act.STOP, approver, "", rules)
    return outcome


def _take(
    tx: Tx, found: Draft, step: Act, who: str, why: str, rules: Rules
) -> tuple[Draft, Outcome]:
    if step is Act.COMPILE or step is Act.SUPERSEDE:
        raise CatalogStep(state=found.state.value, step=step.value, draft=found.draft)
    to = move(found.state, step, limited=is_limited(tx, found), draft=found.draft)
    counted = this_round(drafts.taken(tx.conn, found.draft))
    duty = check_duty(step, who, why, counted)
    if duty.side is Side.AUTHORITY and rules.authority and who not in rules.authority:
        raise CatalogAuthority(who=who, step=step.value)
    if step is Act.REVISE:
        return revise(tx, found.code, who, why), {}
    # Recorded first: what the step makes names who took it.
    drafts.record(tx, found.draft, step, found.state, to, who, why)
    effect = _EFFECTS.get((step, to), _EFFECTS.get((step, None)))
    outcome = effect(tx, found, who, why, rules) if effect is not None else None
    return drafts.find(tx.conn, found.draft), outcome or {}


def _meant(tx: Tx, draft: str, step: Act) -> Draft:
    """Of a code that is published and being revised: the version that the step can be about."""
    found = _found(tx, draft)
    if (found.state, step) in MOVES or draft != found.code:
        return found
    return drafts.live(tx.conn, found.code) or found


def _found(tx: Tx, draft: str) -> Draft:
    """The draft; an entry of ours that was published before there were drafts becomes one."""
    try:
        return drafts.find(tx.conn, draft)
    except CatalogDraftUnknown:
        row = mirror.find(tx.conn, draft)
        if row is None or row.provider != tx.party:
            raise
    return drafts.adopt(tx, mirror.entry(tx.conn, draft))


def revise(tx: Tx, code: str, who: str, why: str) -> Draft:
    """A draft of the next version of a published entry, as it stands (更新, 修改)."""
    return drafts.save_draft(tx, fields_of(mirror.entry(tx.conn, code)), who, why)


def is_limited(tx: Tx, draft: Draft) -> bool:
    """Whether the authority has to ratify its share type (核定)."""
    return draft.fields.get("share_type", 1) in profile(tx).ratification.share_types


def profile(tx: Tx) -> Profile:
    return profile_named(tx.trust.profile)


def _act(name: str) -> Act:
    try:
        return Act(name)
    except ValueError:
        raise CatalogStep(state="", step=name, draft="") from None


# --- what steps do ------------------------------------------------------------------------------


def _review(tx: Tx, draft: Draft, _who: str, _why: str, rules: Rules) -> None:
    """Nothing leaves the compiler's hands with a problem in it."""
    _check_fields(tx, draft, rules)


def _check_fields(tx: Tx, draft: Draft, rules: Rules) -> None:
    for problem in problems(draft.fields, profile(tx)):
        raise problem.error
    if not draft.code:
        raise CatalogCode(code="", detail="it is empty: name a class, and filing gives the number")
    lead = rules.scheme.lead_of(draft.code)
    given = draft.fields.get("lead_department", "")
    if draft.code[0] != DEPARTMENT and lead and given and lead != given:
        raise CatalogLeadOther(lead=lead, given=given, article=profile(tx).lead.article)
    if draft.fields.get("feed") and mirror.find(tx.conn, draft.code) is None:
        own.check_feed(tx.conn, draft.fields["feed"])


def _file(tx: Tx, draft: Draft, _who: str, _why: str, rules: Rules) -> None:
    """The authority's number, and a code if there is none yet."""
    _check_fields(tx, draft, rules)
    _check_assessed(tx, draft)
    code = draft.code
    if mirror.find(tx.conn, code) is None and rules.codes_by_scheme:
        if "/" in code:
            check_code(rules.scheme, code)
        else:
            code = numbers.code(tx, rules.scheme, code)
        check_range(rules.scheme, code, tx.party, (each.party for each in tx.trust.parties))
    check_relations(code, draft.fields.get("related", ()), lambda each: _related(tx, each))
    drafts.change(tx, draft.draft, code=code, filed=draft.filed or numbers.filing(tx))


def _check_assessed(tx: Tx, draft: Draft) -> None:
    """Personal information is assessed before the draft leaves the department, where a law asks."""
    rule = profile(tx).impact
    if draft.fields.get("personal") and draft.fields.get("share_type", 1) in rule.share_types:
        counted = this_round(drafts.taken(tx.conn, draft.draft))
        if not _who(counted, Act.ASSESS):
            raise CatalogImpact(article=rule.article)


def _related(tx: Tx, code: str) -> Sequence[str]:
    try:
        return mirror.entry(tx.conn, code).related
    except CatalogUnknown:
        return ()


def _publish(tx: Tx, draft: Draft, _who: str, _why: str, rules: Rules) -> None:
    _put_out(tx, draft, PUBLISHED, rules)


def _plan(tx: Tx, draft: Draft, _who: str, _why: str, rules: Rules) -> None:
    _put_out(tx, draft, PLANNED, rules)


def _put_out(tx: Tx, draft: Draft, status: str, rules: Rules) -> None:
    entry = entry_of(tx, draft, status, rules)
    own.publish(tx, entry)
    changes.followed(tx, entry.code, entry.version)
    drafts.change(tx, draft.draft, version=entry.version)
    before = drafts.live(tx.conn, draft.code, beside=draft.draft)
    if before is not None:
        after = move(before.state, Act.SUPERSEDE, limited=False, draft=before.draft)
        drafts.record(tx, before.draft, Act.SUPERSEDE, before.state, after, SYSTEM, "")


def _stop(tx: Tx, draft: Draft, who: str, _why: str, _rules: Rules) -> Outcome:
    filed = [row for row in drafts.steps_of(tx.conn, draft.draft) if row.act == Act.FILE_STOP.value]
    _send_back_revisions(tx, draft, filed[-1].why)
    return stopping.stop(tx, draft.code, filed[-1].why, who)


def _never_supplied(tx: Tx, draft: Draft, who: str, why: str, _rules: Rules) -> Outcome:
    """A planned resource that does not come."""
    _send_back_revisions(tx, draft, why)
    return stopping.stop(tx, draft.code, why, who)


def _send_back_revisions(tx: Tx, stopped: Draft, why: str) -> None:
    """What was examined and filed while the resource was supplied does not revive it: a revision on
    its way is examined anew, under a number of its own (art. 12, 18)."""
    found = drafts.on_its_way(tx.conn, stopped.code)
    if found is None:
        return
    drafts.change(tx, found.draft, filed="")
    if found.state is not State.DRAFTING:
        to = move(found.state, Act.SEND_BACK, limited=is_limited(tx, found), draft=found.draft)
        drafts.record(tx, found.draft, Act.SEND_BACK, found.state, to, SYSTEM, why)


_EFFECTS: Mapping[tuple[Act, State | None], Effect] = {
    (Act.REVIEW, None): _review,
    (Act.FILE, None): _file,
    (Act.PUBLISH, None): _publish,
    (Act.PLAN, None): _plan,
    (Act.TAKE_OVER, None): _publish,
    (Act.STOP, None): _stop,
    (Act.WITHDRAW, State.STOPPED): _never_supplied,
}
SYSTEM = "系统"


# --- the entry of a draft -----------------------------------------------------------------------


def entry_of(tx: Tx, draft: Draft, status: str, rules: Rules) -> Entry:
    """The entry that a filed draft becomes: its fields, and who took which step of this round."""
    known = mirror.find(tx.conn, draft.code)
    counted = this_round(drafts.taken(tx.conn, draft.draft))
    base_or_theme = draft.code[0] != DEPARTMENT
    lead = rules.scheme.lead_of(draft.code) or draft.department
    feed = draft.fields.get("feed") or feed_id(tx.party, feed_name(draft.code))
    if known is not None:
        feed = known.feed
    return as_entry(
        {
            **draft.fields,
            "code": draft.code,
            "provider": tx.party,
            "version": 1 if known is None else known.version + 1,
            "department_name": tx.trust.departments(tx.party).get(draft.department, ""),
            "feed": feed,
            "published_ms": tx.now_ms,
            "status": status,
            "compiled_by": draft.compiled_by,
            "reviewed_by": _who(counted, Act.REVIEW),
            "secrecy_checked_by": _who(counted, Act.CHECK),
            "impact_checked_by": _who(counted, Act.ASSESS),
            "approved_by": _who(counted, Act.FILE),
            "ratified_by": _who(counted, Act.RATIFY),
            "filed": draft.filed,
            "law_changed_ms": changes.recorded_ms(tx.conn, draft.code),
            "lead_department": draft.fields.get("lead_department")
            or (lead if base_or_theme else ""),
        }
    )


def feed_name(code: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-") or "resource"


def _who(counted: Sequence[Taken], act: Act) -> str:
    return next((taken.who for taken in reversed(counted) if taken.act is act), "")


def open_steps(profile: Profile, draft: Draft) -> list[dict[str, Any]]:
    """What can be done with a draft, for people: the step, whose it is, if it needs a reason."""
    limited = draft.fields.get("share_type", 1) in profile.ratification.share_types
    return [
        {"act": each.value, "side": DUTIES[each].side.value, "reason": DUTIES[each].reason}
        for each in open_acts(draft.state, limited=limited)
    ]
