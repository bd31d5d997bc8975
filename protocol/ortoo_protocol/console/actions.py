"""Actions: control methods as forms. A button leads to a form, the form to the method, and the
method's answer or refusal back to a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right

if TYPE_CHECKING:
    from ortoo_protocol.console.page import Page


class Prepare(Protocol):
    """Turns what a form gave into what the method takes. Raises OrtooError."""

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]: ...


Does = Callable[["Page", Mapping[str, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Action:
    """`title`: the form's and the button's. `subject`: the field that says what it is done to, for
    the record. `back`: where to go afterwards, filled from the parameters and the answer. `shows`:
    a template for an answer that has to be seen (a secret that is shown once). `danger`: what
    cannot be taken back stands apart and says so. `params`: fixed ones. `key`: the action's name
    in addresses where one method is offered as several (steps of different rights). `does`: for
    what judges the right and records the act itself, as accounts do, instead of the method."""

    method: str
    title: str
    right: Right
    fields: tuple[Field, ...]
    back: str
    subject: str = ""
    note: str = ""
    shows: str = ""
    danger: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    prepare: Prepare | None = None
    does: Does | None = None
    key: str = ""

    @property
    def name(self) -> str:
        return self.key or self.method

    def target(self, params: Mapping[str, Any], answer: Any) -> str:
        said = answer if isinstance(answer, dict) else {}
        known = {name: str(value) for name, value in (*said.items(), *params.items())}
        return self.back.format_map({name: quote(value) for name, value in known.items()})

    def place(self, values: Mapping[str, Sequence[str]]) -> str:
        """Where what it is done to can be seen, as far as what was typed says; "" if unsaid."""
        known = {name: quote(typed[0], safe="") for name, typed in values.items() if typed}
        try:
            return self.back.format_map(known)
        except KeyError:
            return ""

    def about(self, params: Mapping[str, Any]) -> str:
        return str(params.get(self.subject, ""))[:200] if self.subject else ""


def by_method(*groups: tuple[Action, ...]) -> dict[str, Action]:
    found: dict[str, Action] = {}
    for each in (one for group in groups for one in group):
        if each.name in found:
            raise ValueError(f"two actions {each.name}")
        found[each.name] = each
    return found
