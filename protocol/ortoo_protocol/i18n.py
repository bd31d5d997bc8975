"""The languages of people: zh_CN first, English complete, by ORTOO_LANG.

English texts are the message ids. The catalogs travel in the package, compiled beside their
source, so that installing needs no further tool; a test fails when the two differ. Error codes
and what scripts read are never translated.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from pathlib import Path

from ortoo_protocol.core.errors import OrtooError, fill

VARIABLE = "ORTOO_LANG"
DEFAULT = "zh_CN"
ENGLISH = "en"
DOMAIN = "ortoo"
# Facts that hold words of the protocol or whole texts, never what people or parties wrote.
_SAID = frozenset(
    (
        "advice",
        "article",
        "detail",
        "document",
        "event",
        "field",
        "found",
        "needed",
        "other_role",
        "role",
        "said",
        "state",
        "status",
        "step",
    )
)
LOCALE_FOLDER = Path(__file__).parent / "locale"


class Translator:
    """Says English templates in one language, filled with their facts."""

    def __init__(self, language: str, catalog: gettext.NullTranslations) -> None:
        self.language = language
        self._catalog = catalog

    def text(self, msgid: str) -> str:
        # gettext answers the empty id with the catalog's own header.
        return self._catalog.gettext(msgid) if msgid else ""

    def __call__(self, msgid: str, **facts: object) -> str:
        return fill(self.text(msgid), facts)

    def error(self, error: OrtooError) -> tuple[str, str]:
        """What happened and what to do. Facts that are themselves known texts are translated."""
        facts = {
            name: self.text(value) if name in _SAID and isinstance(value, str) else value
            for name, value in error.facts.items()
        }
        return self(error.what, **facts), self(error.cure, **facts)


def mark(msgid: str) -> str:
    """Says to the extractor that `msgid` is shown to people; changes nothing."""
    return msgid


def language_of(environment: Mapping[str, str], otherwise: str = DEFAULT) -> str:
    """The language that `environment` asks for: ORTOO_LANG, such as zh_CN, zh or en_GB.UTF-8."""
    asked = environment.get(VARIABLE, "").partition(".")[0] or otherwise
    spoken = asked.partition("_")[0]
    if spoken in (ENGLISH, "C", "POSIX"):
        return ENGLISH
    return DEFAULT if spoken == "zh" else asked


def translator(language: str) -> Translator:
    """Texts in `language`; English for one that has no catalog."""
    try:
        return Translator(language, gettext.translation(DOMAIN, LOCALE_FOLDER, [language]))
    except OSError:
        return Translator(ENGLISH, gettext.NullTranslations())


def set_process_language(language: str) -> None:
    """Make the libraries that call plain gettext (the command line's own texts) speak it too.

    For a program's main only: it changes the process.
    """
    os.environ["LANGUAGE"] = language if language != ENGLISH else "C"
    gettext.bindtextdomain(DOMAIN, str(LOCALE_FOLDER))
    gettext.textdomain(DOMAIN)
