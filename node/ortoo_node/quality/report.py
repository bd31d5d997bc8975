"""A quality report (质量报告): what was found, in numbers, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ortoo_protocol.core.catalog.freshness import FRESH_PERCENT, PROMISES_MS

CONSISTENCY, FRESHNESS = "consistency", "freshness"
_WEIGHTS = (600, 300, 100)  # rows that pass, source and published agree, up to date


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: how many rows of the source and of what is published fail it. `examples` are marks
    of keys, which nobody outside this station can tell."""

    rule: str
    code: str
    column: str
    title: str
    severity: str
    source_failed: int
    published_failed: int
    tolerance_percent: float
    passed: bool
    examples: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The source against what is published. `rejected` rows of the source may not leave, so they
    are in neither of the others."""

    source_rows: int
    published_rows: int
    rejected: int
    missing: int
    surplus: int
    differing: int
    passed: bool
    examples: tuple[str, ...] = ()


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """`limit_ms` 0: the cycle promises nothing. `published_ms` 0: never published."""

    cycle: str
    limit_ms: int
    published_ms: int
    passed: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`comparison` None: no source shows the whole table (rows are pushed, files hold changes)."""

    resource: str
    name: str
    department: str
    department_name: str
    rules_version: int
    time_ms: int
    rows: int
    failed_rows: int
    rules: tuple[RuleResult, ...]
    comparison: Comparison | None
    freshness: Freshness
    score_permille: int = 0
    passed: bool = False

    def failing(self) -> dict[str, str]:
        """Each rule that fails, and how much: what a department has to mend."""
        found = {
            result.rule: f"{max(result.source_failed, result.published_failed)}/{self.rows}"
            for result in self.rules
            if not result.passed
        }
        compared = self.comparison
        if compared is not None and not compared.passed:
            differing = compared.missing + compared.surplus + compared.differing
            found[CONSISTENCY] = f"{differing}/{max(compared.source_rows, compared.published_rows)}"
        if not self.freshness.passed:
            found[FRESHNESS] = self.freshness.cycle
        return found


def freshness(cycle: str, published_ms: int, now_ms: int) -> Freshness:
    limit_ms = PROMISES_MS.get(cycle, 0)
    late = limit_ms and (now_ms - published_ms) * 100 > limit_ms * FRESH_PERCENT
    return Freshness(cycle=cycle, limit_ms=limit_ms, published_ms=published_ms, passed=not late)


def judged(report: Report) -> Report:
    """With its score and verdict."""
    parts = [1 - report.failed_rows / report.rows if report.rows else 1.0]
    compared = report.comparison
    if compared is not None:
        most = max(compared.source_rows, compared.published_rows, 1)
        off = compared.missing + compared.surplus + compared.differing
        parts.append(max(0.0, 1 - off / most))
    else:
        parts.append(parts[0])
    parts.append(1.0 if report.freshness.passed else 0.0)
    score = sum(weight * part for weight, part in zip(_WEIGHTS, parts, strict=True))
    return msgspec.structs.replace(report, score_permille=int(score), passed=not report.failing())


def trend(scores: Sequence[int]) -> int:
    """How the newest of `scores` (oldest first) differs from the one before."""
    return scores[-1] - scores[-2] if len(scores) > 1 else 0
