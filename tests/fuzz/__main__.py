"""``python -m tests.fuzz TARGET SECONDS``: fuzz one target, guided by the lines that are reached.

Begins with the corpus in the repository, keeps what it finds new in ``var/fuzz/TARGET``. Ends with
1 and the offending bytes in that folder when anything but a named error comes out, when one input
takes longer than ten seconds, or when memory grows beyond its bound.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # ships no types

TOP = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
MOST_MIB = 768
MOST_INPUT_S = 10
PARSERS = ("ortoo_protocol.core.", "ortoo_node.catalog.sheets.", "ortoo_node.sources.folder.")
NO_CODE = ("ortoo_protocol.core.errors", "ortoo_protocol.core.search.initials_table")


def main(name: str, seconds: str) -> None:
    packages = ["ortoo_protocol", "ortoo_node"]
    with atheris.instrument_imports(packages, exclude=[*_others(), *NO_CODE]):
        from tests.fuzz import targets
    target = {**targets.TARGETS, "broken": targets.BROKEN}[name]
    one = atheris.instrument_func(target.one) if name == "broken" else None
    kept = TOP / "var" / "fuzz" / name
    kept.mkdir(parents=True, exist_ok=True)
    folders = [str(each) for each in (kept, CORPUS / name) if each.is_dir()]
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-timeout={MOST_INPUT_S}",
        f"-rss_limit_mb={MOST_MIB}",
        f"-max_len={target.most_bytes}",
        f"-artifact_prefix={kept}/",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup([*arguments, *folders], one or target.run, enable_python_coverage=True)
    atheris.Fuzz()


def _others() -> list[str]:
    """Modules that parse nothing: to watch their lines too would take most of the time."""
    sources = [*(TOP / "protocol").rglob("*.py"), *(TOP / "node").rglob("*.py")]
    names = [".".join(each.relative_to(TOP).with_suffix("").parts[1:]) for each in sources]
    plain = [name.removesuffix(".__init__") for name in names]
    return [name for name in plain if not name.startswith(PARSERS)]


if __name__ == "__main__":
    main(*sys.argv[1:])
