"""Who reads what on a plane, and whether both sides hold the same rows."""

from __future__ import annotations

from dataclasses import dataclass

from ortoo_demo.checks import CheckFailed
from ortoo_demo.departments import TableAt
from ortoo_demo.plane import Plane
from ortoo_demo.world import Department, Resource

ARRIVE_S = 30.0


@dataclass(frozen=True)
class Reader:
    """`source` in the provider's columns that this reader is granted, `sink` in the same."""

    plane: str
    department: Department
    resource: Resource
    source: TableAt
    sink: TableAt

    def equal(self) -> bool:
        """Judged from the two databases alone."""
        there, here = self.source.rows(), self.sink.rows()
        return bool(there) and sorted(there, key=repr) == sorted(here, key=repr)


def reader(
    plane: Plane, resource: Resource, department: Department, columns: tuple[str, ...] = ()
) -> Reader:
    return Reader(
        plane.name,
        department,
        resource,
        plane.source(resource, columns),
        plane.sink(resource, department, columns),
    )


def takers(plane: Plane) -> list[Reader]:
    """Who took the unconditional resource."""
    return [reader(plane, plane.cast.everybody, taker) for taker in plane.cast.takers]


def granted(plane: Plane) -> Reader:
    """Who was granted items of the conditional one."""
    return reader(plane, plane.cast.households, plane.cast.asker, plane.cast.granted_items)


def neighbour(plane: Plane) -> Reader:
    """The department that reads inside the provider's own station."""
    cast = plane.cast
    return reader(plane, cast.households, cast.neighbour, cast.neighbour_items)


def ended(plane: Plane) -> Reader:
    """Whose grant is ended; not among the readers of the report."""
    return reader(plane, plane.cast.ended, plane.cast.asker)


def all_readers(plane: Plane) -> list[Reader]:
    return [*takers(plane), granted(plane), neighbour(plane)]


def wait_equal(plane: Plane, *waiting: Reader, within_s: float = ARRIVE_S) -> None:
    """Until each sink holds exactly the rows of its source."""
    for one in waiting:
        try:
            plane.patience.until(one.equal, "", within_s=within_s, poll_s=0.05)
        except CheckFailed:
            counts = f"{len(one.source.rows())} rows there, {len(one.sink.rows())} here"
            place = f"{one.department.station} {one.resource.slug}"
            listed = plane.call(one.department.station, "subscription.list")["subscriptions"]
            raise CheckFailed(detail=f"{place} is not equal: {counts}; {listed}") from None
