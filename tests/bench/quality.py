"""How long rules take a row: `python -m tests.bench.quality`, as tests/README.md says."""

from __future__ import annotations

import time
from statistics import median

from ortoo_node.publishing.gate import Gate
from ortoo_node.quality import rules
from ortoo_node.quality.checks import RowRules
from ortoo_node.quality.sets import Values
from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.rows import schema_of

ROWS, RUNS = 100_000, 5
ITEMS = tuple(
    Item(name=name, column=name, type=kind, length=20, share_type=2, key=name == "id")
    for name, kind in (
        ("id", "C"), ("name", "C"), ("card", "C"), ("place", "C"), ("phone", "C"), ("income", "I"),
    )
)  # fmt: skip
FIVE = (
    {"column": "name", "check": "required"},
    {"column": "card", "check": "id-card"},
    {"column": "phone", "check": "pattern", "pattern": r"1[3-9]\d{9}"},
    {"column": "place", "check": "codes", "codes": ["150702", "150703"]},
    {"column": "income", "check": "range", "min": 0, "max": 99_999},
)
SETS = (
    {"column": "phone", "check": "unique"},
    {"column": "place", "check": "reference", "resource": "1/1", "item": "code"},
)


def person(number: int) -> tuple[Scalar, ...]:
    bare = f"150702{1940 + number % 80}{1 + number % 12:02}{1 + number % 28:02}{number % 1000:03}"
    check = "0123456789X"[(1 - 2 * int(bare, 13)) % 11]
    phone = f"138{number:08}"
    return (str(number), "乌云其木格", bare + check, "150702", phone, number % 90_000)


def per_row_us(given: tuple[dict[str, object], ...]) -> float:
    """What the gate takes longer for these rules, µs a row."""
    schema = schema_of(ITEMS, 1)
    rows = [person(number) for number in range(ROWS)]
    made = rules.read({"resource": "1/1", "rules": list(given)})
    took = []
    for _ in range(RUNS):
        places = Values()
        places.add("150702")
        sets = {"unique:phone": Values(), "reference:place": places}
        compiled = RowRules(made, schema, sets, "2026-01-01")
        gate = Gate(schema, [compiled.check], compiled.all_pass) if given else Gate(schema)
        begun = time.perf_counter()
        for at in range(0, ROWS, 4_096):
            gate.take(rows[at : at + 4_096], at + 1)
        took.append((time.perf_counter() - begun) / ROWS * 1e6)
    return median(took)


def main() -> None:
    bare = per_row_us(())
    print(f"gate without rules     {bare:6.2f} µs a row")
    for name, given in (("five rules", FIVE), ("unique and reference", SETS)):
        print(f"{name:22} {per_row_us(given) - bare:+6.2f} µs a row")


if __name__ == "__main__":
    main()
