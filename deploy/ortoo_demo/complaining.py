"""What the demo says of an error that ends it, and with which code it ends."""

from __future__ import annotations

import sys

from ortoo_demo.texts import Language
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.core.errors import OrtooError, PrivateBrokerMissing, SettingsError
from ortoo_protocol.i18n import translator


def complain(error: OrtooError, language: Language) -> None:
    what, cure = translator("en" if language is Language.EN else "zh_CN").error(error)
    print(what, cure, f"[{error.code}]", sep="\n", file=sys.stderr)


def code_of(error: OrtooError) -> int:
    return Exit.SETUP if isinstance(error, (PrivateBrokerMissing, SettingsError)) else Exit.DEFECT
