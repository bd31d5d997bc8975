"""Figures (运行指标) of a daemon: what it counts and measures, as plain values with names."""

from ortoo_protocol.station.figures.figure import Figure, Histogram, counter, gauge

__all__ = ["Figure", "Histogram", "counter", "gauge"]
