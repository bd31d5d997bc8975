"""What can be seen only of several resources together, and of their departments' codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ortoo_node.catalog.sheets.drafts import Draft
from ortoo_node.catalog.sheets.problems import Problem
from ortoo_protocol.core.catalog import divisions
from ortoo_protocol.core.errors import CatalogRelated, CellDivision

_DIVISION = slice(2, 8)  # in a unified social credit code
_STATE = "100000"
_MOST_SHOWN = 8


def check_whole(drafts: Sequence[Draft]) -> Iterator[Problem]:
    for draft in drafts:
        department = str(draft.fields.get("department", ""))
        if len(department) == 18 and not _is_division(department[_DIVISION]):
            error = CellDivision(shown=department, division=department[_DIVISION])
            yield draft.problem(error, "department")
    relations = {
        code: _texts(draft.fields.get("related"))
        for draft in drafts
        if "/" in (code := str(draft.fields.get("code", "")))
    }
    of_code = {str(draft.fields.get("code", "")): draft for draft in drafts}
    for cycle in cycles(relations):
        path = " → ".join((*cycle[:_MOST_SHOWN], *("…",) * (len(cycle) > _MOST_SHOWN), cycle[0]))
        yield of_code[cycle[-1]].problem(CatalogRelated(path=path), "related")


def _is_division(code: str) -> bool:
    """Also that of bodies of the state, which act in the region too."""
    return code == _STATE or divisions.is_known(code)


def _texts(value: object) -> Sequence[str]:
    """JSON may hold anything; that it is wrong is said elsewhere."""
    return [str(each) for each in value] if isinstance(value, list) else ()


def cycles(relations: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """One cycle for each group of resources that lead back to themselves, each resource in one at
    most. A relation to what is not in `relations` leads nowhere."""
    done: set[str] = set()
    for start in relations:
        if start in done:
            continue
        path: list[str] = []
        place: dict[str, int] = {}
        stack = [(start, iter(relations[start]))]
        path.append(start)
        place[start] = 0
        while stack:
            code, coming = stack[-1]
            following = next(coming, None)
            if following is None:
                stack.pop()
                path.pop()
                del place[code]
                done.add(code)
            elif following in place:
                yield tuple(path[place[following] :])
            elif following in relations and following not in done:
                place[following] = len(path)
                path.append(following)
                stack.append((following, iter(relations[following])))
