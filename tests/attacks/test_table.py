"""The table of attacks is whole, and every test in it takes its defence out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.attacks.table import ATTACKS

HERE = Path(__file__).parent
# As the security design lists them.
LISTED = """
replay, also after restart · cross-plane replay with the same keys · strip and re-sign ·
re-wrapped to a third party · two-key ciphertext · downgraded suite · poison msgpack, RSS bounded ·
decompression bomb · swapped encryption key at enrolment · hub or broker drops the nth ·
tail withheld · reordered · publisher skips a number · publisher equivocates through recovery ·
different epoch keys to different readers · reader forges on the feed it reads ·
ended reader opens the next epoch · hub adds a reader · rogue department or foreign destination ·
id reuse · wrong plane's store, key file, broker at start · sizes outside buckets ·
edited journal row · rollback, freeze, fast-forward of root and directory · two directories ·
signature after compromise · backdating after rotation · restored receiver · restored publisher ·
sham station taking unconditional data · inbox flood · recovery flood ·
metadata seen by the broker: stated as a limit
"""
# Calls that take a defence out and show that the attack then succeeds.
TAKES_OUT = {"stands_by", "replaced", "removed"}
# Measured in a process of its own, in which this function works without the bounds.
MEASURED = {"test_poison_msgpack_stands_by_its_bounds": "open_poison_uncounted"}


def functions(file: str) -> dict[str, ast.AST]:
    tree = ast.parse((HERE / f"{file}.py").read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {each.name: each for each in tree.body if isinstance(each, kinds)}


def called(function: ast.AST) -> set[str]:
    return {
        each.func.id
        for each in ast.walk(function)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


def test_every_attack_that_is_listed_has_its_tests() -> None:
    assert list(ATTACKS) == [each.strip() for each in " ".join(LISTED.split()).split("·")]
    assert all(ATTACKS.values())


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_test_of_an_attack_takes_its_defence_out(attack: str) -> None:
    for file, name in ATTACKS[attack]:
        known = functions(file)
        assert name in known, f"{file} has no {name}"
        measured = MEASURED.get(name)
        mutating = known[name] if measured is None else known[measured]
        if measured is not None:
            assert measured in ast.unparse(known[name])
        assert called(mutating) & TAKES_OUT, f"{name} shows no defence"
