"""Patterns in linear time: what was matched once is not given back.

Python's `re` steps back, and a pattern such as ``(a+)+b`` then takes years over one long value. So
a pattern is rewritten before it is compiled: every repetition becomes possessive and every group
atomic, as a lexer reads. Each repetition takes all that fits, alternatives are tried in the order
they are written in, and the time is bounded by the length of pattern times value. ``\\d*0`` hence
never matches; a rule's `examples` show such a slip when the rule is stored.
"""

from __future__ import annotations

import re

MAX_PATTERN_CHARACTERS = 500
MAX_REPEAT = 1_000
MAX_NESTED = 10_000  # repetitions of repetitions: each may match nothing, and still takes its time
_TOKEN = re.compile(
    r"(?P<escape>\\(?:[dDwWsS\\.^$*+?{}()\[\]|/-]|u[0-9a-fA-F]{4}))"
    r"|(?P<set>\[\^?\]?(?:\\(?:[dDwWsS\\\]\[^-]|u[0-9a-fA-F]{4})|[^\\\]\[])++\])"
    r"|(?P<group>\((?!\?))"
    r"|(?P<end>\))"
    r"|(?P<repeat>(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\}))"
    r"|(?P<plain>[^\\\[\](){}*+?])"
)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Raises ValueError, with what is wrong. Match the whole value with `fullmatch`."""
    if not 1 <= len(pattern) <= MAX_PATTERN_CHARACTERS:
        raise ValueError(f"1 to {MAX_PATTERN_CHARACTERS} characters")
    made: list[str] = []
    at, repeatable, times = 0, False, 1
    most = [1]  # of each open group: how often what stands in it may be tried
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            raise ValueError(f"{pattern[at : at + 10]!r} is not allowed")
        kind, text = token.lastgroup, token[0]
        if kind == "repeat":
            if not repeatable:
                raise ValueError(f"{text!r} repeats nothing")
            times *= _times(text)
            most[-1] = max(most[-1], times)
            if times > MAX_NESTED:
                raise ValueError(f"more than {MAX_NESTED} repetitions of repetitions")
            text += "+"
        elif kind == "group":
            most.append(1)
        else:
            times = most.pop() if kind == "end" and len(most) > 1 else 1
            most[-1] = max(most[-1], times)
        made.append("(?>" if kind == "group" else text)
        repeatable = kind in ("escape", "set", "end") or (kind == "plain" and text not in "^$|")
        at = token.end()
    try:
        return re.compile(f"(?>{''.join(made)})")
    except re.error as error:
        raise ValueError(str(error)) from None


def _times(repeat: str) -> int:
    counts = [int(number) for number in re.findall(r"[0-9]+", repeat)]
    if any(count > MAX_REPEAT for count in counts):
        raise ValueError(f"more than {MAX_REPEAT} repetitions")
    return max(counts, default=1) or 1
