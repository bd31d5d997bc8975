"""Figures as Prometheus reads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from ortoo_protocol.station.figures.figure import Figure, Histogram, gauge
from ortoo_protocol.station.station import Station

Held = Callable[[], Sequence[Figure | Histogram]]
Stored = Callable[[Connection], Sequence[Figure]]


@dataclass(frozen=True)
class Exposition:
    """`held`: read in the event loop. `stored`: read in a thread, all over one view."""

    station: Station
    held: Sequence[Held]
    stored: Sequence[Stored]

    async def page(self) -> bytes:
        """What `/metrics` answers. Raises StoreError."""
        began_s = time.monotonic()
        found: list[Figure | Histogram] = [each for part in self.held for each in part()]
        found += await self.station.read_long(
            lambda conn: [each for part in self.stored for each in part(conn)]
        )
        took_s = time.monotonic() - began_s
        found.append(gauge("ortoo_figures_seconds", "How long these took to gather.", took_s))
        return rendered(found)


def rendered(figures: Iterable[Figure | Histogram]) -> bytes:
    """In the text format, with what the kernel says of this process."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Given(figures))
    return generate_latest(registry)


class _Given(Collector):
    def __init__(self, figures: Iterable[Figure | Histogram]) -> None:
        self.figures = figures

    def collect(self) -> Iterator[Metric]:
        for figure in self.figures:
            yield _histogram(figure) if isinstance(figure, Histogram) else _family(figure)


def _family(figure: Figure) -> Metric:
    make = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    made = make(figure.name, figure.help, labels=figure.labels)
    for values, number in figure.samples.items():
        made.add_metric(values, number)
    return made


def _histogram(figure: Histogram) -> Metric:
    buckets, total = [], 0
    for bound, count in zip((*map(str, figure.bounds), "+Inf"), figure.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    made = HistogramMetricFamily(figure.name, figure.help)
    made.add_metric((), buckets, figure.sum)
    return made
