"""What the demo says to people: Chinese first, English complete, side by side.

`report.json` and errors are for scripts and logs, and always English.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Language(enum.StrEnum):
    ZH = "zh"
    EN = "en"


@dataclass(frozen=True)
class Text:
    zh: str
    en: str

    def say(self, language: Language) -> str:
        return self.zh if language is Language.ZH else self.en


PLANES = {"extranet": Text("外网", "extranet"), "intranet": Text("内网", "intranet")}
