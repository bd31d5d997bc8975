"""The provider's word: 补正告知书, 答复函 (yes or no); the authority's: 协调处理意见书. Each with a
slip for the signature of whoever receives it (签收)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ortoo_node.cases.papers import sheet
from ortoo_node.cases.papers.facts import Paper
from ortoo_protocol.core.cases import Answer, Event, Side
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseMove

_ANSWERS = (Event.GRANT, Event.OFFER, Event.REFUSE)
_RULINGS = (Event.DECIDE, Event.UPHOLD, Event.REFER, Event.EXTEND, Event.DENY_EXTENSION)
_RULED = {
    Event.DECIDE: "应当共享。请提供部门依照本意见及时办理授权。",
    Event.UPHOLD: "不予共享。",
    Event.REFER: "协调未能达成一致，报本级人民政府决定。",
    Event.EXTEND: "同意延长答复期限。",
    Event.DENY_EXTENSION: "不同意延长答复期限。",
}


def answer(paper: Paper) -> str:
    """The newest paper that answers the application. Raises CaseMove: nothing answers it yet."""
    newest = paper.last(*_ANSWERS, *_RULINGS, Event.RETURN)
    if newest is None:
        raise CaseMove(state=paper.row.state, event="answer")
    event = Event(newest.event)
    if event in _RULED:
        return _letter(
            paper, newest, "政务信息资源共享协调处理意见书", _ruling(paper, newest, event)
        )
    if event is Event.RETURN or paper.answer is None:
        return _letter(paper, newest, "政务信息资源共享申请补正告知书", _completion(paper))
    told = paper.answer
    if event is Event.REFUSE and newest.body is not None:  # a later yes may have been taken back
        told = decode(newest.body, Answer)
    return _letter(paper, newest, "政务信息资源共享申请答复函", _answer(paper, told))


def _letter(paper: Paper, event: Row[Any], title: str, body: str) -> str:
    told, day = paper.application, paper.day(paper.instant_ms(event))
    handler, _, approver = event.by.partition(", ")
    people = f"经办人：{handler}　　{_approver(paper, event)}：{approver or '　　　　'}"
    ruled = event.side == Side.AUTHORITY.value
    sender = paper.party_name(event.party) if ruled else _provider(paper)
    return sheet.page(
        title,
        sheet.head(f"案件编号：{paper.row.case}", f"落款日期：{day}")
        + '<div class="letter">'
        + sheet.paragraph(f"{told.department_name}：", "to")
        + body
        + sheet.paragraph(f"{sender}（盖章）", "end")
        + sheet.paragraph(day, "end")
        + "</div>"
        + sheet.paragraph(people, "note")
        + _slip(paper, title, event),
    )


def _approver(paper: Paper, event: Row[Any]) -> str:
    return "审批人" if event.side == Side.AUTHORITY.value else paper.profile.sharing.approver


def _provider(paper: Paper) -> str:
    name = paper.party_name(paper.row.provider)
    return name if paper.entry is None else f"{name}{paper.entry.department_name}"


def _about(paper: Paper) -> str:
    name = paper.row.resource if paper.entry is None else f"《{paper.entry.name}》"
    opened = paper.last(Event.SUBMIT, Event.NEGOTIATE)
    return (
        f"你单位{paper.day(paper.instant_ms(opened))}提出的使用{name}（{paper.row.resource}）的申请"
    )


def _answer(paper: Paper, told: Answer) -> str:
    if told.outcome == "granted":
        return _yes(paper, told)
    ground = f"依据：{told.ground}（{told.ground_kind}）。" if told.ground else ""
    reason = told.reason.removesuffix("。")
    return (
        sheet.paragraph(f"{_about(paper)}收悉。经研究，不予共享。")
        + sheet.paragraph(f"理由：{reason}。{ground}")
        + sheet.paragraph(
            "你单位因履行职责确需使用的，可以与我单位协商；协商未果的，可以向本级政务信息资源共享"
            "主管部门申请协调处理。"
        )
    )


def _yes(paper: Paper, told: Answer) -> str:
    asked = paper.application
    rows = [
        sheet.cell("授权编号", label=True) + sheet.cell(told.grant),
        sheet.cell("共享方式", label=True) + sheet.cell(asked.mode),
        sheet.cell("信 息 项", label=True) + sheet.cell(paper.items(told.items, paper.entry)),
        sheet.cell("数 据 行", label=True) + sheet.cell(asked.row_filter or "全部"),
        sheet.cell("使用用途", label=True) + sheet.cell(asked.purpose),
        sheet.cell("使用时限", label=True) + sheet.cell(paper.until(asked.until_ms)),
        sheet.cell("使用条件", label=True) + sheet.cell(told.conditions or "无"),
    ]
    opens = "使用条件经你单位确认后授权生效。" if told.conditions else ""
    return (
        sheet.paragraph(f"{_about(paper)}收悉。经研究，同意按下列范围共享：")
        + sheet.table(rows, (22, 78))
        + sheet.paragraph(
            f"{opens}请只按上述用途使用，不得直接或者以改变数据形式等方式提供给第三方；目的实现后"
            "妥善处置所获数据。"
        )
    )


def _completion(paper: Paper) -> str:
    listed = "".join(
        sheet.paragraph(f"{place}. {each}") for place, each in enumerate(paper.missing(), 1)
    )
    return (
        sheet.paragraph(f"{_about(paper)}收悉。申请材料不全，现一次性告知需要补充的材料：")
        + listed
        + sheet.paragraph("请补充后通过共享交换平台提交。补正期间不计入答复期限。")
    )


def _ruling(paper: Paper, event: Row[Any], what: Event) -> str:
    return (
        sheet.paragraph(f"关于{_about(paper)[2:]}，经协调，处理意见如下：")
        + sheet.paragraph(_RULED[what])
        + sheet.paragraph(f"理由：{event.reason}")
        + sheet.paragraph(f"抄送：{_provider(paper)}。")
    )


def _slip(paper: Paper, title: str, event: Row[Any]) -> str:
    """签收: filled in where it was signed for on the platform."""
    signed = [each for each in paper.signatures(Side.APPLICANT) if each.number > event.number]
    by = signed[0].by if signed else ""
    when = paper.moment(paper.instant_ms(signed[0])) if signed else paper.day(0)
    rows = [
        sheet.cell("文书名称", label=True) + sheet.cell(f"{title}（{paper.row.case}）", span=3),
        sheet.cell("签收单位", label=True) + sheet.cell(paper.application.department_name, span=3),
        sheet.cell("签 收 人", label=True)
        + sheet.cell(by)
        + sheet.cell("签收时间", label=True)
        + sheet.cell(when),
    ]
    return (
        '<section class="slip"><h2>签收回执</h2>'
        + sheet.table(rows, (16, 34, 16, 34))
        + "</section>"
    )
