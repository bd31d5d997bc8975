"""A year of twelve leagues as `report.year` answers it. Made up; the names are real."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from ortoo_protocol.core.supervision.facts import Subject, summed, with_shares
from ortoo_protocol.core.supervision.half_years import civil_ms, half_year
from ortoo_protocol.core.supervision.scores import BUILT_IN, Indicator, evaluate
from tests.support.made_catalog import LEAGUES

YEAR = 2026
DAY_MS = 86_400_000
REASONS = ("申请依据不足", "超出共享范围", "数据涉及在办案件", "已可由本部门系统取得")
EFFECT = (
    "全年调用共享数据 {n} 万次，群众办理低保、教育资助等 {m} 项业务不再提交纸质证明，"
    "平均办理时限压缩 3 个工作日。"
)
PROBLEM = (
    "个别部门更新机制不健全，{n} 项目录未按承诺周期更新；基层业务系统为国垂系统，数据回流不足。"
)
PLAN = "一是对超期目录逐项销号；二是推动 {n} 个业务系统接入共享交换平台；三是开展数据质量专项核查。"


def facts_of(rand: random.Random) -> dict[str, int]:
    entries = rand.randint(120, 420)
    not_shared = entries // 20
    shareable = entries - not_shared
    supplied = rand.randint(shareable // 2, shareable)
    promised = shareable - rand.randint(0, 20)
    fresh = rand.randint(promised // 2, promised)
    stale = rand.randint(0, (promised - fresh) // 2)
    asked = rand.randint(20, 160)
    refused = asked // rand.randint(8, 20)
    waiting = rand.randint(0, 4)
    late = rand.randint(0, 9)
    notices = rand.randint(0, 2)
    return with_shares(
        {
            "entries": entries,
            "items": entries * 14,
            "shareable": shareable,
            "unconditional": shareable // 3,
            "conditional": shareable - shareable // 3,
            "not_shared": not_shared,
            "supplied": supplied,
            "promised": promised,
            "fresh": fresh,
            "stale": stale,
            "never": (promised - fresh - stale) // 2,
            "asked": asked,
            "granted": asked - refused - waiting,
            "refused": refused,
            "withdrawn": 0,
            "waiting": waiting,
            "decided": asked - waiting,
            "answers_due": asked - waiting,
            "answers_late": late,
            "answers_in_time": asked - waiting - late,
            "answer_median_ms": rand.randint(20, 80) * 3_600_000,
            "answer_p90_ms": rand.randint(120, 260) * 3_600_000,
            "applied": rand.randint(20, 160),
            "grants_given": rand.randint(15, 90),
            "grants_held": rand.randint(15, 90),
            "feeds_supplied": rand.randint(10, 60),
            "feeds_read": rand.randint(10, 60),
            "unfiled_ends": rand.randint(0, 1),
            "corrections_received": rand.randint(3, 30),
            "corrections_open": rand.randint(0, 3),
            "corrections_late": rand.randint(0, 2),
            "corrections_due": 20,
            "corrections_in_time": 18,
            "submissions_due": 2,
            "submissions_in_time": rand.randint(1, 2),
            "notices": notices,
            "notices_due": notices,
            "notices_mended": rand.randint(0, notices),
            "leads_confirmed": rand.randint(0, 3),
        }
    )


def answer(seed: int = 7) -> dict[str, Any]:
    """What the control method returns."""
    rand = random.Random(seed)  # noqa: S311  # made-up data
    subjects = [
        {
            "party": party,
            "department": "",
            "name": name,
            "facts": facts_of(rand),
            "stated": {
                "rows_published": rand.randint(1, 9) * 1_234_567,
                "rows_applied": rand.randint(1, 9) * 345_678,
                "queries_asked": rand.randint(1_000, 90_000),
                "queries_answered": rand.randint(1_000, 90_000),
                "files_fetched": rand.randint(0, 300),
                "tasks": rand.randint(5, 40),
                "tasks_settled": rand.randint(2, 5),
                "tasks_late": rand.randint(0, 3),
            },
        }
        for party, name in LEAGUES.items()
    ]
    every = [(each["facts"], each["stated"]) for each in subjects]
    known: dict[Subject, dict[str, int]] = {
        Subject(str(each["party"])): dict(facts)  # type: ignore[call-overload]  # of made values
        for each, (facts, _) in zip(subjects, every, strict=True)
    }
    ranked = evaluate(BUILT_IN, known)
    report = {
        "year": YEAR,
        "now_ms": civil_ms(_day(2027, 1, 18)) + 40_000_000,
        "party": "h150000",
        "authority": "内蒙古自治区政务信息资源整合共享专项工作协调办公室组织推进组",
        "regional": True,
        "articles": {
            "year": "Measures art. 32",
            "half_year": "Measures art. 32",
            "notice": "Measures art. 36",
            "evaluation": "Measures art. 31",
        },
        "due": "2027-01-31",
        "total": summed([{**dict(stated), **dict(facts)} for facts, stated in every]),  # type: ignore[call-overload]  # of made values
        "subjects": subjects,
        "months": [_month(rand, month) for month in range(1, 13)],
        "reasons": [{"reason": each, "count": 40 // n} for n, each in enumerate(REASONS, 1)],
        "submissions": [
            _submission(rand, name, half) for half in (1, 2) for name in LEAGUES.values()
        ],
        "leads": {
            "1": {"confirmed": 2, "dismissed": 1},
            "2": {"confirmed": 1, "noticed": 2, "open": 1},
            "3": {"noticed": 4, "dismissed": 2},
            "5": {"noticed": 1},
        },
        "notices": [_notice(rand, number, name) for number, name in enumerate(LEAGUES.values(), 1)][
            :6
        ],
        "standard": {
            "version": 0,
            "indicators": [
                {name: getattr(each, name) for name in Indicator.__struct_fields__}
                for each in BUILT_IN.indicators
            ],
            "bounds": {},
        },
        "ranked": [_ranked(each) for each in ranked],
    }
    return {
        "year": YEAR,
        "version": 1,
        "hash": "4f1c09ab" * 8,
        "by": "组织推进组",
        "time_ms": report["now_ms"],
        "report": msgspec.json.decode(msgspec.json.encode(report)),
    }


def _day(year: int, month: int, day: int) -> Any:
    from datetime import date

    return date(year, month, day)


def _month(rand: random.Random, month: int) -> dict[str, int]:
    asked = rand.randint(20, 130)
    refused = asked // 12
    waiting = 8 if month == 12 else 0
    granted = asked - refused - waiting
    return {
        "month": month,
        "asked": asked,
        "granted": granted,
        "refused": refused,
        "waiting": waiting,
        "answers_late": rand.randint(0, 6),
    }


def _submission(rand: random.Random, name: str, half: int) -> dict[str, Any]:
    late = rand.random() < 0.2
    written = {
        "implementation": f"新编目录 {rand.randint(10, 60)} 条，全部部门接入平台。",
        "effect": EFFECT.format(n=rand.randint(3, 60), m=rand.randint(4, 30)),
        "problems": PROBLEM.format(n=rand.randint(2, 20)) if half == 2 else "",
        "plans": PLAN.format(n=rand.randint(2, 9)) if half == 2 else "",
    }
    quoted = rand.random() < 0.3
    return {
        "period": f"{YEAR}H{half}",
        "name": name,
        "state": "accepted",
        "late": late,
        "first_ms": half_year(f"{YEAR}H{half}").until_ms + rand.randint(2, 14) * DAY_MS,
        "hash": "ab" * 32,
        "passages": written if quoted else {},
    }


def _notice(rand: random.Random, number: int, name: str) -> dict[str, Any]:
    state = rand.choice(("verified", "verified", "answered", "issued"))
    issued = half_year(f"{YEAR}H1").from_ms + number * 40 * DAY_MS
    return {
        "number": f"内数通〔{YEAR}〕{number}号",
        "title": rand.choice(("关于数据未及时更新的通报", "关于未按期答复共享申请的通报")),
        "name": name,
        "violation": 3,
        "issued_ms": issued,
        "due_ms": issued + 14 * DAY_MS,
        "state": state,
        "settled": state == "verified",
        "late": state == "issued",
    }


def _ranked(one: Any) -> dict[str, Any]:
    return {
        "party": one.party,
        "department": "",
        "name": LEAGUES[one.party],
        "rank": one.rank,
        "total": one.total,
        "scores": [
            {field: getattr(each, field) for field in each.__struct_fields__} for each in one.scores
        ],
    }
