"""Every input of the corpora, once more; `make fuzz` looks for new ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, Target

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda each: each.name)
def test_everything_in_the_corpus_is_taken_or_refused_by_name(target: Target) -> None:
    files = sorted((CORPUS / target.name).iterdir())
    assert files
    for file in files:
        target.run(file.read_bytes())


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda each: each.name)
def test_seeds_stand_in_the_corpus(target: Target) -> None:
    """A new kind of message has its seed: `python -m tests.fuzz.make_corpus`."""
    assert {name for name, _ in target.seeds()} <= {
        each.name for each in (CORPUS / target.name).iterdir()
    }
