"""What a station has against the resources of a file, put to their cells; and the parts in which
the resources are handed to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ortoo_node.catalog.sheets.reading import Read
from ortoo_protocol.station.control_client import error_from

PART_BYTES = 512 << 10  # of a request, which is bounded


def join(found: Read, problems: Sequence[Mapping[str, Any]]) -> None:
    """`problems`: as catalog.import.check and .save answer them."""
    known = {(each.where, each.heading, each.error.code) for each in found.problems}
    for one in problems:
        draft = found.drafts[one["number"]]
        problem = draft.problem(error_from(one["error"]), one["field"], one["item"])
        said = (problem.where, problem.heading, problem.error.code)
        marked = draft.follows(one["field"], one["item"]) and found.problems.has(problem)
        if said not in known and not marked:
            known.add(said)
            found.problems.add(problem)


def parts(resources: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    size = 0
    for each in resources:
        bytes_ = len(msgspec.json.encode(each))
        if part and size + bytes_ > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(each)
        size += bytes_
    if part:
        yield part
