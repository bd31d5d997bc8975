"""Rule profiles (规则): where the Measures of 2018 and Decree 809 of 2025 ask for different things.

The profile in force stands in the directory and so is one for the whole plane (`Trust.profile`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ortoo_protocol.core.catalog.elements import CONDITIONAL, NOT_SHARED, UNCONDITIONAL
from ortoo_protocol.core.errors import CatalogProfile
from ortoo_protocol.core.ids import Plane

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
class Profile:
    name: str
    types: Rule  # what the share types are
    basis: Rule  # a cited 法律, 法规 or policy
    ratification: Rule  # 核定 by the authority of the same level
    base_items: Rule  # 基础信息项 of base catalogs are unconditional
    secrecy: Rule  # 保密检查
    filing: Rule  # 登记/备案
    lead: Rule  # base and theme catalogs have a lead department
    update: UpdateClock
    conditions: Rule = field(default=Rule(article="", share_types=_NOBODY))  # scope, purposes
    impact: Rule = field(default=Rule(article="", share_types=_NOBODY))  # 个人信息保护影响评估
    grade: Rule = field(default=Rule(article="", share_types=_NOBODY))  # 分类分级


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
