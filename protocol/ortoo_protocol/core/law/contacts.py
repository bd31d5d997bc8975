"""Contacts (联系人): who is responsible for sharing in a department, known to its authority.

Measures art. 27: named persons, reported to the platform's operator, kept current; Decree 809
art. 11: the sharing unit (政务数据共享工作机构). Two persons stand in for each other (A/B 角).
"""

from __future__ import annotations

import re

from ortoo_protocol.core.catalog.names import is_among
from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import ContactInvalid
from ortoo_protocol.core.ids import check_department
from ortoo_protocol.core.law.instants import too_late

A, B = "a", "b"
MAX_NAME_CHARACTERS, MAX_ADDRESS_CHARACTERS, MAX_REASON_CHARACTERS = 100, 254, 1_000
MAX_MATTERS = 200
_PHONE = re.compile(r"[0-9+*#() -]{3,32}")
_MAIL = re.compile(r"[^\s@<>\"',;:\\\x00-\x1f\x7f]+@[^\s@<>\"',;:\\\x00-\x1f\x7f]+")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+")


class Person(Packed, frozen=True):
    """`webhook`: where this person's notices are posted."""

    name: str
    phone: str
    mail: str
    webhook: str


class Handover(Packed, frozen=True):
    """交接: `matters` are subjects of clocks that were open, the most urgent first."""

    role: str  # a b
    before: str
    after: str
    time_ms: Count
    by: str
    reason: str
    matters: tuple[str, ...]


class ContactReport(Shape, frozen=True):
    """联系人报备: the contacts of one department. `number` counts its reports from 1, the highest
    is in force. `confirmed_ms`: when somebody said last that they are right."""

    department: str
    number: Count
    unit: str
    a: Person
    b: Person | None
    confirmed_ms: Count
    by: str
    handover: Handover | None


def check_report(report: ContactReport) -> ContactReport:
    """Raises ContactInvalid, CodecIdentifier."""

    def refuse(field: str, detail: str) -> None:
        raise ContactInvalid(department=report.department, field=field, detail=detail)

    check_department(report.department)
    if not report.number:
        refuse("number", "0")
    for field, text in (("unit", report.unit), ("by", report.by)):
        if not text.strip() or len(text) > MAX_NAME_CHARACTERS:
            refuse(field, f"1 to {MAX_NAME_CHARACTERS} characters")
    for role, person in ((A, report.a), (B, report.b)):
        if person is not None and (found := wrong_in(person)):
            refuse(f"{role}.{found[0]}", found[1])
    if report.b is not None and is_among(report.b.name, (report.a.name,)):
        refuse("b.name", "A and B are two persons")
    for field in too_late(report):
        refuse(field, "after the last calendar year")
    if report.handover is not None and (detail := _wrong_handover(report.handover)):
        refuse("handover", detail)
    return report


def wrong_in(person: Person) -> tuple[str, str] | None:
    """Which field of a person cannot be taken, and why."""
    if not person.name.strip() or len(person.name) > MAX_NAME_CHARACTERS or "\n" in person.name:
        return "name", f"1 to {MAX_NAME_CHARACTERS} characters"
    if person.phone and not _PHONE.fullmatch(person.phone):
        return "phone", "digits, + - ( ) and spaces"
    for field, form, said in (("mail", _MAIL, "name@host"), ("webhook", _URL, "https://host/path")):
        value = getattr(person, field)
        if value and (len(value) > MAX_ADDRESS_CHARACTERS or not form.fullmatch(value)):
            return field, said
    if not (person.phone or person.mail):
        return "phone", "a phone number or a mail address at least"
    return None


def _wrong_handover(handover: Handover) -> str:
    texts = (handover.before, handover.after, handover.by)
    if handover.role not in (A, B):
        return "role a or b"
    if any(not text.strip() or len(text) > MAX_NAME_CHARACTERS for text in texts):
        return "from whom, to whom, by whom"
    if len(handover.reason) > MAX_REASON_CHARACTERS:
        return f"a reason of up to {MAX_REASON_CHARACTERS} characters"
    if len(handover.matters) > MAX_MATTERS or any(len(one) > 96 for one in handover.matters):
        return f"up to {MAX_MATTERS} matters"
    return ""
