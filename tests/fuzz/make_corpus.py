"""``python -m tests.fuzz.make_corpus``: write the seeds of every target; what is found is kept."""

from __future__ import annotations

from tests.fuzz.targets import TARGETS, Path

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    for target in TARGETS.values():
        folder = CORPUS / target.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in target.seeds():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
