"""One acceptable body of each shape, to start from."""

from __future__ import annotations

from msgspec.structs import replace

from ortoo_protocol.core import cases, catalog, demands, feeds, files, grants, notices, queries
from ortoo_protocol.core.catalog import claims, freshness, lists
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.dispatch import Dispatch
from ortoo_protocol.core.gazette import Announcement, AnnouncementWithdrawn
from ortoo_protocol.core.law.contacts import ContactReport, Handover, Person
from ortoo_protocol.core.law.workdays import CalendarYear, CalendarYears, NamedDay
from ortoo_protocol.core.messages import KINDS
from ortoo_protocol.core.supervision import notices as written
from ortoo_protocol.core.supervision import submissions
from tests.support.forge import CITY, NOW_MS, OTHER
from tests.support.use_bodies import USE_BODIES

FEED = f"{CITY}.townships"
CASE, GRANT, FILING, ASK = "c" * 32, "a" * 32, "f" * 32, "e" * 32
CIVIL_AFFAIRS, HOUSING = "11150000MB0000000C", "11150200MB11111118"

SCHEMA = feeds.TableSchema(
    number=1,
    columns=(feeds.Column("code", "C", 9), feeds.Column("name", "C", 100)),
    key=("code",),
)

ENTRY = catalog.Entry(
    code="3150700001",
    version=1,
    name="乡镇街道名录",
    provider=CITY,
    department=CIVIL_AFFAIRS,
    department_name="民政局",
    office="办公室",
    abstract="乡镇、街道的代码与名称",
    format_class=2,
    format_type="table",
    items=(
        catalog.Item(
            name="代码", column="code", type="C", length=9, share_type=1, base=True, key=True
        ),
        catalog.Item(name="名称", column="name", type="C", length=100, share_type=1),
    ),
    share_type=1,
    share_condition="",
    basis="",
    modes=("系统对接",),
    purposes=("工作参考",),
    open_to_society=True,
    open_condition="",
    cycle="每月",
    published_ms=NOW_MS,
    related=(),
    feed=FEED,
    status="published",
    compiled_by="甲",
    secrecy_checked_by="乙",
    approved_by="丙",
    filed="150700-2026-000001",
)

# Every field of the guide in use.
WHOLE_ENTRY = replace(
    ENTRY,
    code="307001/000002",
    name="最低生活保障家庭信息",
    name_en="dibao_household",
    department_code=CIVIL_AFFAIRS,
    source_system="社会救助信息系统",
    format_class=3,
    format_type="数据库",
    format_other="",
    stored_gb="1.25",
    records_10k="40",
    shared_gb="0.5",
    shared_records_10k="20",
    opened_gb="0",
    opened_records_10k="0",
    items=(
        catalog.Item(
            name="家庭编号",
            column="household_no",
            type="C",
            length=18,
            share_type=2,
            key=True,
            name_en="household_no",
            share_condition="用于资格核对",
            modes=("联机查询",),
            open_to_society=False,
            open_condition="不予开放",
            claims=True,
            sensitive=True,
        ),
    ),
    share_type=2,
    share_condition="用于社会救助资格核对",
    basis="《社会救助暂行办法》",
    modes=("联机查询", "批量下载"),
    share_kinds=("查询接口", "文件"),
    purposes=("数据校核", "业务协同"),
    open_to_society=False,
    related=("307001/000001",),
    related_classes=("社会救助",),
    replaces_paper="最低生活保障证",
    grade="重要",
    personal=True,
    impact_checked_by="乙",
    lead_department=CIVIL_AFFAIRS,
    project="社会救助一体化平台",
    law_changed_ms=NOW_MS,
    reviewed_by="乙",
    filed="150700-2026-000001",
    ratified_by="丙",
)

LIST_ROW = lists.ListEntry(
    list="demand",
    number="XQ-150700-000001",
    version=1,
    provider=CITY,
    department=CIVIL_AFFAIRS,
    department_name="民政局",
    title="不动产登记信息",
    content="权利人、坐落、面积",
    basis="《社会救助暂行办法》",
    items=("权利人", "坐落"),
    resource="",
    status="open",
    published_ms=NOW_MS,
    compiled_by="甲",
    approved_by="丙",
    secrecy_checked_by="乙",
    office="社会救助科",
    purpose="数据校核",
    holder="自然资源局",
    cycle="每月",
    contact="丁",
)

APPLICATION = cases.Application(
    case=CASE,
    resource="3150700001",
    department=HOUSING,
    department_name="住房和城乡建设局",
    items=("code", "name"),
    row_filter="",
    purpose="业务协同",
    basis="《政务信息资源共享管理暂行办法》第十三条",
    scenario="核对住址",
    mode="系统对接",
    until_ms=0,
    handler="丁",
    approver="戊",
)

ANSWER = cases.Answer(
    case=CASE,
    outcome="granted",
    reason="",
    grant=GRANT,
    items=("code",),
    handler="甲",
    approver="丙",
)

TERMS = grants.GrantTerms(
    grant=GRANT,
    case=CASE,
    resource="3150700001",
    feed=FEED,
    provider=CITY,
    provider_department=CIVIL_AFFAIRS,
    reader=OTHER,
    reader_department=HOUSING,
    items=("code",),
    row_filter="",
    purpose="业务协同",
    basis="第十三条",
    mode="系统对接",
    from_ms=NOW_MS,
    until_ms=0,
    conditions="",
    handler="甲",
    approver="丙",
)

ENDED = grants.GrantEnded(
    grant=GRANT,
    feed=FEED,
    reader=OTHER,
    incarnation=1,
    fence=3,
    reason="目的已达成",
    filing=FILING,
    ended_ms=NOW_MS,
    by="丙",
)

STOP = grants.StopFiling(
    filing=FILING, grant=GRANT, resource="3150700001", reason="系统下线", filed_ms=NOW_MS, by="丙"
)

HEAD = feeds.Head(feed=FEED, incarnation=1, seq=3, hash=b"h" * 32, time_ms=NOW_MS)
RECEIPTS = notices.Receipts(
    entries=(notices.ReceiptEntry(b"i" * 16, b"h" * 32, "accepted", "", NOW_MS),)
)

BODIES: tuple[Shape, ...] = (
    RECEIPTS,
    notices.TrustAsk(version=1),
    notices.WitnessAsk(since=256),
    notices.TrustUpdate(documents=(b"document",)),
    notices.Announce(document=b"document"),
    ContactReport(
        department="11150700MB0000000G",
        number=2,
        unit="数据科",
        a=Person("甲", "0470-1234567", "jia@example.cn", "https://10.1.2.3/notices"),
        b=Person("丙", "", "bing@example.cn", ""),
        confirmed_ms=NOW_MS,
        by="己",
        handover=Handover("b", "乙", "丙", NOW_MS, "己", "调岗", ("case:1",)),
    ),
    CalendarYears(
        years=(
            CalendarYear(
                year=2026,
                version=1,
                source="国办发明电",
                by="甲",
                days=(NamedDay("2026-10-01", False, "国庆节"),),
            ),
        )
    ),
    Announcement(
        announcement="a" * 32,
        title="国庆节期间值守安排",
        text="十月一日至七日各盟市数据局安排专人值守。",
        level="important",
        from_ms=NOW_MS,
        until_ms=NOW_MS + 86_400_000,
        leagues=("150100", "150700"),
        by="甲",
        replaces="b" * 32,
    ),
    AnnouncementWithdrawn(announcement="a" * 32, reason="时间有误", by="甲"),
    ENTRY,
    freshness.Carried(
        time_ms=NOW_MS, resources=(freshness.Carriage("3150700001", 7, NOW_MS - 60_000),)
    ),
    catalog.Federated(envelope=b"envelope", accepted_ms=NOW_MS),
    catalog.Refusal(code="3150700001", version=1, error="catalog.basis", reason="no basis"),
    LIST_ROW,
    claims.Conflict(
        conflict="c" * 32,
        resource="3150700001",
        other="307001/000002",
        other_name="最低生活保障家庭信息",
        other_provider=OTHER,
        items=("家庭编号",),
        state="open",
        source="",
        reason="",
        by="",
        time_ms=NOW_MS,
    ),
    notices.Checkpoint(note="note", since=0, proof=()),
    notices.Cosigned(note="note"),
    feeds.ProofAsk(ask="b" * 32, feed=FEED, incarnation=1, first=1, last=3),
    feeds.ProofAnswer(
        ask="b" * 32, feed=FEED, incarnation=1, first=1, last=3, count=3, root=b"r" * 32
    ),
    APPLICATION,
    ANSWER,
    demands.Assignment(
        provider=CITY,
        number="XQ-150700-000001",
        party=OTHER,
        department=HOUSING,
        reason="",
        handler="甲",
        approver="乙",
    ),
    demands.DemandAnswer(
        provider=CITY,
        number="XQ-150700-000001",
        event="supply",
        reason="",
        resource="307/1",
        handler="甲",
        approver="乙",
    ),
    cases.Completion(application=APPLICATION, note="已补充"),
    cases.CaseStep(
        case=CASE, event="return", reason="", missing=("申请表",), handler="甲", approver="乙"
    ),
    cases.Ruling(case=CASE, event="decide", reason="应当共享", handler="甲", approver="乙"),
    cases.Records(
        records=(
            cases.Record(
                case=CASE, number=1, event="submit", party=CITY, state="submitted", time_ms=NOW_MS
            ),
        )
    ),
    cases.Standings(cases=(cases.CaseStanding(case=CASE, state="granted"),)),
    cases.Compared(cases=(cases.CaseStanding(case=CASE, state="granted"),)),
    cases.AttachmentPart(case=CASE, position=0, part=0, parts=1, hash=b"h" * 32),
    cases.Withdrawal(case=CASE, reason="不再需要", handler="丁"),
    TERMS,
    ENDED,
    STOP,
    written.NoticeIssued(
        notice="1" * 32,
        number="内数通〔2026〕3号",
        party=OTHER,
        department="",
        violation=3,
        article="Measures art. 36 (3)",
        title="关于数据未及时更新的通报",
        found="1 个资源超过更新周期两倍。",
        demands="限期更新，并书面报告。",
        days=10,
        due_ms=NOW_MS + 1,
        leads=("2" * 32,),
        evidence=(
            written.Evidence("entry", "3150700001@4", NOW_MS, "每日", 0, b"", b"", b"h" * 32),
        ),
        handler="甲",
        approver="乙",
    ),
    written.NoticeMoved(
        notice="1" * 32, place=1, event="acknowledge", text="", handler="丁", approver=""
    ),
    submissions.SubmissionCalled(
        submission="3" * 32,
        period="2026H1",
        party=OTHER,
        department="",
        days=10,
        due_ms=NOW_MS + 1,
        note="",
        by="甲",
    ),
    submissions.SubmissionSent(
        submission="3" * 32,
        round=1,
        figures=(submissions.Figure("entries", 5, 6, "一条尚在审核"),),
        passages=(submissions.Passage("effect", "减少材料"),),
        handler="丁",
        approver="戊",
    ),
    submissions.SubmissionDecided(
        submission="3" * 32, round=1, outcome="accepted", reason="", hash=b"h" * 32, by="甲"
    ),
    Dispatch(
        dispatch="d" * 32, grant="a" * 32, subject="", media_type="text/plain", part=0, parts=1
    ),
    HEAD,
    feeds.HeadAsk(feed=FEED),
    feeds.ItemsAsk(feed=FEED, incarnation=1, first=1, last=3),
    feeds.SnapshotAsk(feed=FEED),
    feeds.SnapshotPart(
        feed=FEED,
        snapshot="d" * 32,
        incarnation=1,
        seq=3,
        hash=b"h" * 32,
        part=0,
        parts=1,
        schema=SCHEMA,
    ),
    feeds.FeedKey(
        grant_hash=b"g" * 32, feed=FEED, incarnation=1, epoch=1, first_seq=1, key=b"k" * 32
    ),
    feeds.KeyAsk(feed=FEED, epoch=1),
    feeds.FeedRefusal(feed=FEED, error="feed.retention", detail=""),
    SCHEMA,
    feeds.TableRows(schema=1),
    feeds.EventRows(schema=1),
    files.FileAsk(
        grant="c" * 32,
        purpose="业务协同",
        feed=FEED,
        name="a.pdf",
        file=b"f" * 32,
        first=0,
        count=16,
    ),
    files.FileManifest(
        feed=FEED, name="a.pdf", file=b"f" * 32, size_bytes=300_000, chunk_bytes=258_048, chunks=2
    ),
    files.FileChunk(file=b"f" * 32, index=0),
    files.FileRefusal(feed=FEED, name="a.pdf", file=b"f" * 32, error="file.gone", detail=""),
    files.FileOrder(order=ASK, grant=GRANT, form="csv", purpose="工作参考", handler="甲"),
    files.FileMade(
        order=ASK,
        feed=FEED,
        name="a.csv",
        file=b"f" * 32,
        size_bytes=300_000,
        rows=1_000,
        incarnation=1,
        seq=3,
    ),
    files.FileNotMade(order=ASK, error="file.form", detail=""),
    queries.QueryAsk(
        ask=ASK,
        grant=GRANT,
        query="by-code",
        purpose="工作参考",
        handler="甲",
        salt=b"s" * queries.SALT_BYTES,
        parameters=queries.pack_parameters({"code": "150702"}),
        page_rows=1_000,
        window=4,
    ),
    queries.QueryMore(ask=ASK, first=4, window=4),
    queries.QueryPage(ask=ASK, number=0, pages=1, rows=1, cut="", columns=SCHEMA.columns),
    queries.QueryRefusal(ask=ASK, error="query.rate", detail="60 a minute"),
    queries.QueryDescribe(ask=ASK, grant=GRANT),
    queries.QueryDescribed(
        ask=ASK,
        queries=(
            queries.QuerySignature(
                code="by-code",
                name="按代码查",
                parameters=(queries.ParameterRule("code", "代码", "C", 9, True, "[0-9]+", ()),),
                columns=SCHEMA.columns,
                max_rows=1_000,
                timeout_ms=5_000,
                calls_a_minute=60,
                calls_a_day=10_000,
            ),
        ),
    ),
    *USE_BODIES,
)


def body_of(shape: type[Shape]) -> Shape:
    return next(body for body in BODIES if type(body) is shape)


def all_kinds() -> list[str]:
    return [kind.name for kind in KINDS]
