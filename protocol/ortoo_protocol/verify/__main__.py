"""The command: the bundle, the root's fingerprint as people compared it, and what is said of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.evidence_check import check
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.i18n import Translator, language_of, translator
from ortoo_protocol.verify import packing, saying

HOLDS, USAGE, UNREADABLE, UNVERIFIED = 0, 2, 3, 6


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """0 everything holds; 2 wrong usage; 3 the file cannot be read; 6 something does not hold."""
    say = translator(language_of(environment))
    asked = _parser(say).parse_args(arguments)
    try:
        files = packing.read(asked.bundle)
        report = check(files, asked.root, builtin_suites())
    except OSError as error:
        print(say("{file}: {detail}", file=asked.bundle, detail=error.strerror), file=sys.stderr)
        return UNREADABLE
    except OrtooError as error:
        _refused(say, error, as_json=asked.json)
        return UNVERIFIED
    if asked.json:
        _print(saying.as_json(report))
    else:
        for line in saying.lines(say, report):
            print(_visible(line))
    return UNVERIFIED if report.findings else HOLDS


def _parser(say: Translator) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ortoo_protocol.verify",
        description=say("Check a bundle of evidence, offline."),
        epilog=say(
            "Exit codes: 0 everything holds; 2 wrong usage; 3 the file cannot be read;"
            " 6 something does not hold. Language: ORTOO_LANG=zh_CN or en."
        ),
    )
    parser.add_argument("bundle", type=Path, help=say("The bundle (ZIP)."))
    parser.add_argument(
        "--root",
        required=True,
        help=say("Fingerprint of the region's first root, from elsewhere than the bundle."),
    )
    parser.add_argument("--json", action="store_true", help=say("As JSON."))
    return parser


def _refused(say: Translator, error: OrtooError, *, as_json: bool) -> None:
    what, cure = say.error(error)
    if as_json:
        _print({"holds": False, "findings": [{"file": "", "code": error.code, "what": str(error)}]})
    print(_visible(say("This proves nothing: {what}", what=what)), file=sys.stderr)
    print(_visible(say("What to do: {cure}", cure=cure)), file=sys.stderr)
    print(say("Code: {code}", code=error.code), file=sys.stderr)


def _print(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _visible(line: str) -> str:
    """What strangers wrote may not steer the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
