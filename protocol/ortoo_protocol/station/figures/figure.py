"""A figure: a name, what it means, and a value for each combination of its labels.

Names follow Prometheus: base units, `_total` for what only grows. Labels have few values: parties,
kinds, states, names from settings; never a case, a grant or a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Samples = Mapping[Any, float]  # by tuples of text


@dataclass(frozen=True)
class Figure:
    """`samples`: by the values of `labels`, in their order; without labels by ()."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...]
    samples: Samples


@dataclass(frozen=True)
class Histogram:
    """`counts[i]`: how many were at most `bounds[i]` and above the bound before it; one more for
    what is above all."""

    name: str
    help: str
    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


def gauge(name: str, help_: str, value: float | Samples, labels: Iterable[str] = ()) -> Figure:
    return Figure(name, "gauge", help_, tuple(labels), _samples(value))


def counter(name: str, help_: str, value: float | Samples, labels: Iterable[str] = ()) -> Figure:
    return Figure(name, "counter", help_, tuple(labels), _samples(value))


def _samples(value: float | Samples) -> Samples:
    return {(): value} if isinstance(value, int | float) else value
