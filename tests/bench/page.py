"""`docs/benchmarks.md` and its pictures from the report alone: same report, same page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench import pictures
from tests.bench.machine import Facts
from tests.bench.measuring import Row
from tests.bench.report import bench_of

_HEAD = """\
# Benchmarks

Made by `make bench` from its report; not written by hand. [How it is measured](#how-it-is-measured)
stands below the figures.

{facts}
"""

_ABOUT = {
    "journal": (
        "The journal at 10 M rows",
        "Appended as a station does, in commits of 256; then every leaf and root computed anew. "
        "Peer: the same rows in a plain SQLite table with a hash chain: no index, no tree, and "
        "nothing that could be proven of one row without all.",
    ),
    "letters": (
        "Letters with a signed receipt",
        "Each caller hands in a letter and waits until the recipient's signed receipt is in the "
        "sender's store. Peers: AS2 without network and disk, and bare AMQP without signature, "
        "encryption, database or receipt.",
    ),
    "events": (
        "Events of 1 KiB",
        "100 callers at once; each call returns when its event is durable at the publisher, and an "
        "event counts once it stands in the reader's table. Peer: FastStream with plain JSON, 100 "
        "callers, confirms, a quorum queue, each message acknowledged.",
    ),
    "table": (
        "A table of 1 M rows",
        "The 41,352 townships of China, over and over, each row with a number of its own, from the "
        "publisher's SQLite to the reader's. Peer: a copy on one machine in one process.",
    ),
    "fanout": (
        "Fan-out",
        "Items of 8 KiB to 1, 10 and 100 granted readers, by a queue for each subscription as "
        "Ortoo has it, and by one RabbitMQ stream for the feed. Readers are bare consumers that "
        "acknowledge. The publisher's CPU is compared at one pace for all, an item a commit, that "
        "the slowest way can hold; rates, disk and the broker's CPU are those of publishing as "
        "fast as it goes (*free*). Why: [ADR 18](adr/0018-queues-measured-against-a-stream.md).",
    ),
    "query": (
        "Online query",
        "A declared query by key, answered from the provider's SQLite, journalled on both sides. "
        "Peer: aio-pika's own RPC pattern with the same row from memory; neither its queues nor "
        "its messages are durable, as that pattern has them. Beside it, recorded: the same "
        "call over quorum queues, written down and confirmed.",
    ),
    "file": (
        "A file of 1 GiB",
        "From publication to the file in place at the reader, every hash checked. Peer: chunks of "
        "256 KiB by bare aio-pika into a file.",
    ),
    "mix": (
        "X-Road's load mix as letters",
        "2 kB 30 %, 10 kB 60 %, 100 kB 9 %, 2 MB 0.9 %, 10 MB 0.1 %, each with its receipt. X-Road "
        "published no throughput; a Finnish sizing guide gives less than 50 requests a minute "
        "for 2 vCPU.",
    ),
    "search": (
        "Search in the catalog",
        "100,000 made-up entries in a station's SQLite store, asked as its command line asks: "
        "words from anywhere in names, drawn as often as they stand there, so that words which "
        "nearly every entry holds are among them.",
    ),
    "scale": (
        "The catalog of a region",
        "A hub and its stations with real stores and the node's own handlers in one process, on "
        "the broker in memory: entries are published at their stations, checked by the hub, and "
        "stand in every mirror.",
    ),
    "pages": (
        "Pages of the consoles",
        "Both consoles over stores of 100,000 entries, a million rows of the journal and 20,000 of "
        "cases, grants, clocks and the like: every page that links lead to, asked for in turn over "
        "HTTP, database, template and client in one process.",
    ),
    "idle": (
        "Idle",
        "Memory of a hub and a station that were started by their own programs and wait, linked to "
        "the broker.",
    ),
}

_HOW = """\
## How it is measured

`make bench` runs everything (about 25 minutes) and writes `var/bench/report.json`, this page and
its pictures; `make bench NAME=letters` runs one bench and keeps the other rows;
`make bench BENCH_ARGS=--resume` goes on after an interruption.

- **Ortoo** is measured end to end: two stations as two processes, each built as the node builds it,
  with default timing, durable SQLite (`synchronous=FULL`), signatures, encryption, journal; between
  them a RabbitMQ of the bench's own, TLS only, with the queues, bindings, users and rights that the
  hub's code plans. Letters go through quorum queues with confirms. Grants are put in place
  directly; no part of the path is replaced.
- **Peers** run in the same run: on the same broker, over TLS, persistent messages, quorum queues,
  confirms; with publisher and consumer as two processes where Ortoo uses two.
- **In turn**: A B A B …, so that noise meets both. A figure is the median of the repetitions,
  spread is largest minus smallest by the median; of fan-out's CPU at one pace, which has many short
  turns, the width of their middle half. A row is marked *noisy* when repetitions differ by more
  than 30 %, when other programs had more than 10 % of the machine, or when more than 3 % were
  stolen by the machine below.
- **CPU an item** is user and system time of that process by the number of items: it depends less
  on what else the machine does.
- Content does not compress, except the table's (it is what it is) and the text of events
  (hexadecimal digits).
- Rates travel badly between machines; ratios within one run are what to compare.

Bars are those that the project set itself beforehand. What is missed is shown as it is.
"""

_SIGNS = {True: "✓", False: "✗", None: "–"}


def write(rows: Sequence[Row], facts: Facts, docs: Path) -> None:
    """Write the page and its pictures below `docs`."""
    drawn = pictures.draw(rows, docs / "pictures")
    parts = [_HEAD.format(facts=facts.text())]
    if "overview" in drawn:
        parts.append(f"![All ratios and their bars](pictures/{drawn['overview']})\n")
    for bench, (title, about) in _ABOUT.items():
        mine = [row for row in rows if bench_of(row) == bench]
        parts.append(f"## {title}\n\n{about}\n")
        if not mine:
            parts.append("Not measured in this run.\n")
            continue
        if bench in drawn:
            parts.append(f"![{title}](pictures/{drawn[bench]})\n")
        parts += [_table(mine), _notes(mine)]
    parts.append(_HOW)
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")


def _table(rows: Sequence[Row]) -> str:
    lines = [
        "| what | Ortoo | peer | ratio | bar | met | runs, spread |",
        "|---|--:|--:|--:|--:|:-:|--:|",
    ]
    for row in rows:
        peer = "–" if row.peer_figure is None else f"{number(row.peer_figure)} {row.unit}"
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f}×"
        lines.append(
            f"| {row.name} | {number(row.figure)} {row.unit} | {peer} | {ratio} | {_bar(row)} "
            f"| {_SIGNS[row.met]} | {row.runs}, {row.spread:.0%} |"
        )
    return "\n".join(lines) + "\n"


def _bar(row: Row) -> str:
    if row.bar is None:
        return "recorded"
    sign = "≥" if row.better == "higher" else "≤"
    return f"{sign} {row.bar:g}×" if row.ratio is not None else f"{sign} {row.bar:g} {row.unit}"


def _notes(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        peer = f"against {row.peer}; " if row.peer else ""
        lines.append(f"- **{row.name}**: {peer}{row.note}")
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """For people: thousands apart, no more digits than it has."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
