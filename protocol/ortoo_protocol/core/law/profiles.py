"""Rule profiles (规则): where the Measures of 2018 and Decree 809 of 2025 ask for different things.

The profile in force stands in the directory and so is one for the whole plane (`Trust.profile`,
by its name). Code reads its fields and never asks which profile it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ortoo_protocol.core.errors import CatalogProfile
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.law.clock import CHINA_MIN, DAY_MIN
from ortoo_protocol.core.law.share_types import CONDITIONAL, NOT_SHARED, UNCONDITIONAL

_ALL = frozenset((UNCONDITIONAL, CONDITIONAL, NOT_SHARED))
_LIMITED = frozenset((CONDITIONAL, NOT_SHARED))


@dataclass(frozen=True)
class Rule:
    """What an article asks of resources of these share types; of none, where it asks nothing."""

    article: str
    share_types: frozenset[int] = _ALL


@dataclass(frozen=True)
class UpdateClock:
    """Working days for a catalog to follow a change of law or duties, once `extension` more with
    the authority's consent; `review`: for the authority to publish the updated catalog."""

    article: str
    days: int
    extension_days: int = 0
    review_days: int = 0


_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Term:
    """How long a duty may take, in working days. `days` None: the article names none (promptly,
    及时); 0: at once. `extension_days`: how many more, once, with the authority's consent."""

    article: str
    days: int | None
    extension_days: int = 0


@dataclass(frozen=True)
class Stopping:
    """停止、终止、变更服务: filed beforehand; `negotiated`: with the reader too."""

    article: str
    negotiated: bool


@dataclass(frozen=True)
class Pause:
    """While this lasts, the clock of `duty` stands still."""

    why: str
    duty: str
    article: str


@dataclass(frozen=True)
class Sharing:
    """From an application to the end of use. `onward` None: no passing on, under no clause."""

    answer_open: Term  # 无条件共享
    answer: Term  # 有条件共享
    completion: Rule  # told once what is missing (一次性告知)
    delivery: Term  # after a yes
    negotiation: Term  # 协商
    coordination: Term  # 协调解决
    then_government: bool  # what is not agreed even then goes to 本级人民政府
    refusal_basis: Rule  # a refusal cites a law, 行政法规 or 国务院决定
    # Both ask for a prompt answer to what is needed (及时响应, 供需对接) and name no days: those of
    # an answer and of the update of a catalog are taken.
    demand_answer: Term  # 需求答复
    demand_catalog: Term  # 编目, once it is taken on
    doubt_report: Term  # 疑义反馈, after discovery
    doubt_answer: Term  # 校核
    business: Rule  # 校核期间照常办理: whoever brings lawful proof is served meanwhile
    use: Rule  # for the granted purpose, and by nobody else
    onward: Rule | None  # to third parties, with the provider's consent
    stopping: Stopping
    suspension: Rule  # for use beyond the grant
    disposal: Rule  # 妥善处置, as the provider asks
    record_years: int  # how long use records are kept
    approver: str  # who approves asking and answering
    contacts: Term  # until a contact is confirmed again; the cycle is ours, the duty the law's
    pauses: tuple[Pause, ...]
    warn_days: tuple[int, ...]  # working days before the last day, the earliest warning first
    closes_min: int = DAY_MIN  # when the last day ends: 24:00, or close of business


@dataclass(frozen=True)
class Profile:
    """`offset_min`: local time of the plane's region, from UTC."""

    name: str
    types: Rule  # what the share types are
    basis: Rule  # a cited 法律, 法规 or policy
    ratification: Rule  # 核定 by the authority of the same level
    base_items: Rule  # 基础信息项 of base catalogs are unconditional
    secrecy: Rule  # 保密检查
    filing: Rule  # 登记/备案
    lead: Rule  # base and theme catalogs have a lead department
    update: UpdateClock
    sharing: Sharing
    conditions: Rule = field(default=Rule(article="", share_types=_NOBODY))  # scope, purposes
    impact: Rule = field(default=Rule(article="", share_types=_NOBODY))  # 个人信息保护影响评估
    grade: Rule = field(default=Rule(article="", share_types=_NOBODY))  # 分类分级
    offset_min: int = CHINA_MIN


NM2018 = Profile(
    name="NM2018",
    types=Rule(article="Measures art. 13"),
    basis=Rule(article="Measures art. 14", share_types=_LIMITED),
    ratification=Rule(article="Measures art. 14", share_types=_LIMITED),
    base_items=Rule(article="Measures art. 14"),
    secrecy=Rule(article="Measures art. 26"),
    filing=Rule(article="Measures art. 12"),
    lead=Rule(article="Measures art. 11"),
    update=UpdateClock(article="Measures art. 9", days=15),
    sharing=Sharing(
        answer_open=Term(article="Measures art. 19", days=0),
        answer=Term(article="Measures art. 19", days=10),
        completion=Rule(article=""),  # by practice
        delivery=Term(article="Measures art. 19", days=None),
        negotiation=Term(article="Measures art. 19", days=10),
        coordination=Term(article="Measures art. 19", days=30),
        then_government=False,
        refusal_basis=Rule(article="", share_types=_NOBODY),  # a reason is enough
        demand_answer=Term(article="Measures art. 4 (2)", days=10),
        demand_catalog=Term(article="Measures art. 9", days=15),
        doubt_report=Term(article="Measures art. 21", days=5),
        doubt_answer=Term(article="Measures art. 21", days=10),
        business=Rule(article="Measures art. 21"),
        use=Rule(article="Measures art. 20"),
        onward=None,
        stopping=Stopping(article="Measures art. 18", negotiated=False),
        suspension=Rule(article="Measures art. 36 (4)"),
        disposal=Rule(article="Decree 809 art. 27"),
        record_years=2,
        approver="部门负责人",
        contacts=Term(article="Measures art. 27", days=60),
        pauses=(Pause(why="completion", duty="answer", article=""),),
        warn_days=(3, 1),
    ),
)

SC2025 = Profile(
    name="SC2025",
    types=Rule(article="Decree 809 art. 14"),
    # Art. 15: what is not shared cites a law, 行政法规 or 国务院决定; what is conditional lists its
    # conditions. Art. 16: every catalog is examined by the authority of the same level.
    basis=Rule(article="Decree 809 art. 15", share_types=frozenset((NOT_SHARED,))),
    ratification=Rule(article="Decree 809 art. 16", share_types=_LIMITED),
    base_items=Rule(article="Measures art. 14"),
    secrecy=Rule(article="Decree 809 art. 13"),
    filing=Rule(article="Decree 809 art. 16"),
    lead=Rule(article="Measures art. 11"),
    update=UpdateClock(article="Decree 809 art. 17", days=10, extension_days=5, review_days=2),
    sharing=Sharing(
        answer_open=Term(article="Decree 809 art. 21", days=1),
        answer=Term(article="Decree 809 art. 21", days=10, extension_days=10),
        completion=Rule(article="Decree 809 art. 21"),
        delivery=Term(article="Decree 809 art. 22", days=20),
        negotiation=Term(article="Decree 809 art. 28", days=None),
        coordination=Term(article="Decree 809 art. 28", days=None),
        then_government=True,
        refusal_basis=Rule(article="Decree 809 art. 15"),
        demand_answer=Term(article="Decree 809 art. 20", days=10),
        demand_catalog=Term(article="Decree 809 art. 17", days=10),
        doubt_report=Term(article="Decree 809 art. 26", days=None),
        doubt_answer=Term(article="Decree 809 art. 26", days=10),
        business=Rule(article="Measures art. 21"),
        use=Rule(article="Decree 809 art. 25"),
        onward=Rule(article="Decree 809 art. 25"),
        stopping=Stopping(article="Decree 809 art. 27", negotiated=True),
        suspension=Rule(article="Decree 809 art. 27"),
        disposal=Rule(article="Decree 809 art. 27"),
        record_years=3,
        approver="政务数据共享工作机构负责人",
        contacts=Term(article="Decree 809 art. 11", days=60),
        pauses=(Pause(why="completion", duty="answer", article="Decree 809 art. 21"),),
        warn_days=(3, 1),
    ),
    conditions=Rule(article="Decree 809 art. 15", share_types=frozenset((CONDITIONAL,))),
    impact=Rule(article="Decree 809 art. 13"),
    grade=Rule(article="Decree 809 art. 13"),
)

PROFILES: Mapping[str, Profile] = MappingProxyType({each.name: each for each in (NM2018, SC2025)})


def check_profile(name: str, plane: Plane) -> Profile:
    """A profile that a directory of this plane may put in force. Raises CatalogProfile: Decree 809
    is not about state or work secrets (art. 3), so SC2025 is none of the intranet's."""
    if name not in PROFILES:
        raise CatalogProfile(profile=name, detail="there is no such profile")
    if name == SC2025.name and plane is Plane.INTRANET:
        raise CatalogProfile(profile=name, detail="Decree 809 excludes secrets (art. 3)")
    return PROFILES[name]


def profile_named(name: str) -> Profile:
    """The profile of that name; the Measures where the directory names another or none."""
    return PROFILES.get(name, NM2018)
