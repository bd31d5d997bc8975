"""One acceptable body of each letter about use."""

from __future__ import annotations

from ortoo_protocol.core import corrections
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.use import ending, onward, records, suspension
from tests.support.forge import CITY, NOW_MS, OTHER

FEED = f"{CITY}.townships"
GRANT, FILING, NUMBER = "a" * 32, "f" * 32, "b" * 32

SUSPENDED = suspension.GrantSuspended(
    suspension=NUMBER,
    grant=GRANT,
    feed=FEED,
    reader=OTHER,
    incarnation=1,
    fence=3,
    article="Decree 809 art. 27",
    reason="超出授权用途使用",
    evidence="审计记录第 7 号",
    days=5,
    until_ms=NOW_MS + 5 * 86_400_000,
    suspended_ms=NOW_MS,
    by="丙",
)

RAISED = corrections.CorrectionRaised(
    correction=NUMBER,
    grant=GRANT,
    resource="3150700001",
    provider=CITY,
    provider_department="11150000MB0000000C",
    reader=OTHER,
    reader_department="11150200MB11111118",
    about="wrong",
    fields=1,
    found_ms=NOW_MS,
    late=False,
    by="丁",
)
ANSWERED = corrections.CorrectionAnswered(
    correction=NUMBER,
    outcome="corrected",
    reason="登记有误，已更正",
    incarnation=1,
    seq=8,
    source="",
    handler="甲",
    approver="丙",
)
CLOSED = corrections.CorrectionClosed(
    correction=NUMBER, how="applied", seq=8, reason="", by="系统自动"
)
DETAIL = corrections.CorrectionDetail(
    correction=NUMBER,
    feed=FEED,
    incarnation=1,
    seq=3,
    key=b"\x91\xa6150702",
    fields=(corrections.FieldDoubt("name", "张三", "张叁"),),
    text="姓名与证件不符",
    evidence="scan.pdf",
)

ONWARD = onward.OnwardAsk(
    onward=NUMBER,
    grant=GRANT,
    resource="3020101/0001",
    third=CITY,
    third_department="11150000MB0000000C",
    clause="Decree 809 art. 25",
    basis="《社会救助暂行办法》第八条",
    purpose="住房保障资格核对",
    form="核验结果",
    until_ms=NOW_MS + 90 * 86_400_000,
    handler="甲",
    approver="丁",
)

USE_BODIES: tuple[Shape, ...] = (
    SUSPENDED,
    suspension.GrantRectified(suspension=NUMBER, grant=GRANT, report="已删除并整改", by="丁"),
    suspension.GrantResumed(
        suspension=NUMBER, grant=GRANT, reason="整改到位", resumed_ms=NOW_MS, by="丙"
    ),
    suspension.GrantTermination(suspension=NUMBER, grant=GRANT, reason="拒不整改", by="丙"),
    ending.GrantEnding(
        ending=NUMBER,
        grant=GRANT,
        what="end",
        reason="系统下线",
        filing=FILING,
        at_ms=NOW_MS + 30 * 86_400_000,
        by="丙",
    ),
    ending.GrantEndingAnswer(ending=NUMBER, grant=GRANT, agreed=True, reason="", by="丁"),
    ending.GrantKept(ending=NUMBER, grant=GRANT, reason="系统继续运行", by="丙"),
    records.UseAsk(ask=NUMBER, grant=GRANT, reason="年度检查", by="丙"),
    records.UseRecords(
        ask=NUMBER,
        grant=GRANT,
        purpose="业务协同",
        records=(
            records.UseRecord(
                NUMBER, NOW_MS, "救助核对", "逐户比对", "少跑一趟", "本部门库", "", "丁"
            ),
        ),
        days=(records.UseDay("2026-05-29", "rows", 1, 1_225),),
        cut=False,
    ),
    records.DisposalDeclared(disposal=NUMBER, grant=GRANT, why="met", detail="", by="丁"),
    records.DisposalAsked(
        disposal=NUMBER, grant=GRANT, requirements="删除全部副本", days=10, by="丙"
    ),
    records.DisposalDone(
        disposal=NUMBER,
        grant=GRANT,
        what="people",
        how="DROP TABLE",
        evidence="1225 rows",
        done_ms=NOW_MS,
        by="丁",
    ),
    ONWARD,
    onward.OnwardAnswer(
        onward=NUMBER,
        grant=GRANT,
        consented=True,
        reason="",
        conditions="只提供核验结果",
        until_ms=NOW_MS + 30 * 86_400_000,
        handler="乙",
        approver="丙",
    ),
    onward.OnwardRevoked(onward=NUMBER, grant=GRANT, reason="超出约定形式", by="丙"),
    RAISED,
    ANSWERED,
    CLOSED,
    DETAIL,
    corrections.CorrectionEvidence(correction=NUMBER, text="经核对户籍底册", evidence="a.pdf"),
)
