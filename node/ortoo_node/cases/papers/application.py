"""政务信息资源共享申请表: what a department asks for, who handled and approved it, receipt."""

from __future__ import annotations

from ortoo_node.cases.papers import sheet
from ortoo_node.cases.papers.facts import SHARE_TYPES, Paper
from ortoo_protocol.core.cases import Event, Side
from ortoo_protocol.i18n import translator

TITLE = "政务信息资源共享申请表"
_WIDTHS = (7, 18, 29, 17, 29)
_PROMISE = (
    "本部门承诺：申请内容真实、合法、必要；获取的共享信息只按所列用途用于本部门履行职责，"
    "不以任何方式提供给第三方，并依法承担安全保密责任。"
)


def application(paper: Paper) -> str:
    """The application as a page."""
    rows = [*_applicant(paper), *_resources(paper), *_use(paper), *_opinions(paper)]
    opened = paper.last(Event.SUBMIT, Event.NEGOTIATE)
    number = paper.row.group or paper.row.case
    body = [
        sheet.head(f"编号：{number}", f"申请日期：{paper.day(paper.instant_ms(opened))}"),
        sheet.table(rows, _WIDTHS),
        sheet.paragraph(_note(paper), "note"),
    ]
    return sheet.page(TITLE, "".join(body))


def _note(paper: Paper) -> str:
    article = translator("zh_CN")(paper.profile.sharing.answer.article)
    return (
        f"注：1. 本表依据{article}办理，经共享交换平台提交，电子件与本表内容一致。\n"
        f"　　2. 案件编号：{'、'.join(row.case for row, _, _ in paper.asked)}。"
    )


def _applicant(paper: Paper) -> list[str]:
    told = paper.application
    return [
        sheet.group("申请部门", 3)
        + sheet.cell("部门名称", label=True)
        + sheet.cell(told.department_name)
        + sheet.cell("统一社会\n信用代码", label=True)
        + sheet.cell(told.department),
        sheet.cell("所属地区", label=True)
        + sheet.cell(paper.party_name(paper.row.applicant))
        + sheet.cell("联系电话", label=True)
        + sheet.cell(told.contact),
        sheet.cell("经办人", label=True)
        + sheet.cell(told.handler)
        + sheet.cell("审批人", label=True)
        + sheet.cell(told.approver),
    ]


def _resources(paper: Paper) -> list[str]:
    rows = []
    for place, (row, told, entry) in enumerate(paper.asked):
        first = sheet.group("申请资源", 3 * len(paper.asked)) if place == 0 else ""
        provider = paper.party_name(row.provider)
        name = row.resource if entry is None else f"{entry.name}\n（{row.resource}）"
        office = provider if entry is None else f"{provider}　{entry.department_name}"
        rows += [
            first
            + sheet.cell("资源名称\n（代码）", label=True)
            + sheet.cell(name)
            + sheet.cell("提供部门", label=True)
            + sheet.cell(office),
            sheet.cell("共享类型", label=True)
            + sheet.cell(SHARE_TYPES.get(row.share_type, ""))
            + sheet.cell("共享方式", label=True)
            + sheet.cell(told.mode),
            sheet.cell("使用范围", label=True)
            + sheet.cell(
                f"信息项：{paper.items(told.items, entry)}\n数据行：{told.row_filter or '全部'}",
                span=3,
            ),
        ]
    return rows


def _use(paper: Paper) -> list[str]:
    told = paper.application
    scans = "\n".join(f"{n}. {each.name}" for n, each in enumerate(told.attachments, 1)) or "无"
    return [
        sheet.group("使用要求", 5)
        + sheet.cell("使用用途", label=True)
        + sheet.cell(told.purpose, span=3),
        sheet.cell("使用依据", label=True) + sheet.cell(told.basis, span=3),
        sheet.cell("使用场景", label=True) + sheet.cell(told.scenario, span=3),
        sheet.cell("使用时限", label=True) + sheet.cell(paper.until(told.until_ms), span=3),
        sheet.cell("附　　件", label=True) + sheet.cell(scans, span=3),
    ]


def _opinions(paper: Paper) -> list[str]:
    told, opened = paper.application, paper.last(Event.SUBMIT, Event.NEGOTIATE)
    day = paper.day(paper.instant_ms(opened))
    signed = paper.signatures(Side.PROVIDER)
    received = paper.moment(paper.instant_ms(opened)) if opened is not None else ""
    receipt = f"平台收到时间：{received}"
    last_day = paper.last_day("answer")
    if last_day:
        receipt += f"\n答复期限：{last_day}"
    by = signed[0].by if signed else ""
    when = paper.day(paper.instant_ms(signed[0])) if signed else paper.day(0)
    people = [("经办人", told.handler), (paper.profile.sharing.approver, told.approver)]
    return [
        sheet.cell("申请部门\n意　　见", span=2, label=True)
        + sheet.signed(_PROMISE, people, day, span=3),
        sheet.cell("提供部门\n签　　收", span=2, label=True)
        + sheet.signed(receipt, [("签收人", by)], when, span=3),
    ]
