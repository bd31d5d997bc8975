"""What the rules in force say of supervision: the articles, and what has no number of days there.

A table by profile, as core's other rules are: nothing asks for a profile by name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Violation(enum.IntEnum):
    """The six cases of art. 36. Software looks for leads to the first five; whether something was
    done on purpose (故意), and the sixth, are for people to say."""

    CATALOG = 1  # 未按照要求编制或更新目录
    SHARING = 2  # 不按照规定提供共享
    DATA = 3  # 不真实、不准确、不全面；未及时更新、无法使用
    USE = 4  # 管理失控，用于履职需要以外目的
    RECTIFICATION = 5  # 未按要求进行整改
    OTHER = 6


@dataclass(frozen=True)
class SupervisionLaw:
    """Articles as they are cited. `year_day`: month and day of the following year until when the
    year's report is due (art. 32)."""

    violations: Mapping[Violation, str]
    notice: str  # 书面通报, 限期整改
    half_year: str  # 每半年报送
    year: str  # 年度情况报告
    year_day: tuple[int, int]
    evaluation: str  # 考评


_MEASURES = SupervisionLaw(
    violations=MappingProxyType({each: f"Measures art. 36 ({each.value})" for each in Violation}),
    notice="Measures art. 36",
    half_year="Measures art. 32",
    year="Measures art. 32",
    year_day=(1, 31),
    evaluation="Measures art. 31",
)

# Decree 809 names the cases of providers in art. 39, those of users in art. 40; the half-yearly
# submission and the year's report are the region's own and go on.
_DECREE = SupervisionLaw(
    violations=MappingProxyType(
        {
            Violation.CATALOG: "Decree 809 art. 39 (1)",
            Violation.SHARING: "Decree 809 art. 39 (4), (7)",
            Violation.DATA: "Decree 809 art. 39 (3), (6)",
            Violation.USE: "Decree 809 art. 40 (2), (3)",
            Violation.RECTIFICATION: "Decree 809 art. 39, 40",
            Violation.OTHER: "Decree 809 art. 39 (9), 40 (7)",
        }
    ),
    notice="Decree 809 art. 29",
    half_year="Measures art. 32",
    year="Decree 809 art. 38",
    year_day=(1, 31),
    evaluation="Decree 809 art. 38",
)

_LAWS: Mapping[str, SupervisionLaw] = MappingProxyType({"NM2018": _MEASURES, "SC2025": _DECREE})


def law_of(profile: str) -> SupervisionLaw:
    """Of the profile of that name; of the Measures where there is none (as `profile_named`)."""
    return _LAWS.get(profile, _MEASURES)
