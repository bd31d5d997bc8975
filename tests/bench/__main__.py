"""`make bench`: every bench in turn, or those named; the report, and the page made from it."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import shutil
import ssl
import sys
import time
from pathlib import Path

import httpx

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from tests.bench import machine, report
from tests.bench.children import ROOT
from tests.bench.measuring import Row
from tests.bench.rig import Rig

BENCHES = (
    *("letters", "events", "table", "fanout", "query", "file", "mix", "idle"),
    *("search", "scale", "pages", "journal"),
)


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("name", nargs="*", help=f"benches to run: {', '.join(BENCHES)}")
    parser.add_argument("--short", action="store_true", help="tiny sizes: does everything run?")
    parser.add_argument("--rounds", type=int, default=0, help="repetitions (5; 2 when short)")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench")
    parser.add_argument("--resume", action="store_true", help="leave out what is in the report")
    parser.add_argument("--profile", action="store_true", help="profile each process into FOLDER")
    parser.add_argument("--page", action="store_true", help="only write docs/ from the report")
    parser.add_argument("--docs", type=Path, default=None, help="where the page and pictures go")
    chosen = parser.parse_args(given)
    unknown = set(chosen.name) - set(BENCHES)
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    return chosen


async def measure(chosen: argparse.Namespace) -> None:
    folder: Path = chosen.folder.resolve()
    path = folder / "report.json"
    names = list(chosen.name or BENCHES)
    if chosen.resume:
        done = {report.bench_of(row) for row in report.read(path)}
        names = [name for name in names if name not in done]
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    authority = DemoAuthority.create(work / "pki", "Ortoo bench")
    with PrivateBroker(work / "broker", "bench", authority) as broker:
        machine.look(*await asyncio.to_thread(versions, broker)).keep(folder / "machine.json")
        for name in names:
            rounds = chosen.rounds or (2 if chosen.short else 5)
            profile = folder if chosen.profile else None
            rig = Rig(work / name, broker, chosen.short, rounds, profile)
            rows = await one(name, rig)
            report.write(path, report.merged(report.read(path), name, rows, BENCHES))
            shutil.rmtree(work / name, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)


def versions(broker: PrivateBroker) -> tuple[str, str]:
    """Of RabbitMQ and of the Erlang below it."""
    answer = httpx.get(
        f"https://{broker.host}:{broker.management_port}/api/overview",
        auth=(broker.admin_user, broker.admin_password),
        verify=ssl.create_default_context(cafile=broker.ca_file),
        trust_env=False,
    ).raise_for_status()
    about = answer.json()
    return about["rabbitmq_version"], about["erlang_version"]


async def one(name: str, rig: Rig) -> list[Row]:
    print(f"{name} …", flush=True)
    begun = time.monotonic()
    rig.folder.mkdir(parents=True)
    rig.machine.start()
    rows: list[Row] = await importlib.import_module(f"tests.bench.benches.{name}").run(rig)
    noise = rig.machine.noise()
    if noise:
        rows = [row.noisy(noise) for row in rows]
    for row in rows:
        print(f"  {row.line()}", flush=True)
    print(f"  {time.monotonic() - begun:.0f} s", flush=True)
    return rows


def main() -> None:
    chosen = arguments(sys.argv[1:])
    if not chosen.page:
        asyncio.run(measure(chosen))
    if not chosen.short or chosen.docs:
        from tests.bench import page  # matplotlib takes a second to import

        facts = machine.Facts.kept(chosen.folder / "machine.json")
        page.write(report.read(chosen.folder / "report.json"), facts, chosen.docs or ROOT / "docs")


if __name__ == "__main__":
    main()
