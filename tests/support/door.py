"""A station's store for sinks that keep their cursor there, without an event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, delete

from ortoo_node.store.tables import deliveries, metadata, pulls
from ortoo_protocol.station.context import Parts, Signal, Tx
from tests.support.desk import Desk

T = TypeVar("T")


class DeskDoor:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.arrived = Signal()
        with desk.store.writing.begin() as conn:
            metadata.create_all(conn)

    @property
    def parts(self) -> Parts:
        return self.desk.parts

    def read(self, job: Callable[[Connection], T]) -> T:
        with self.desk.store.writing.connect() as conn:
            return job(conn)

    def write(self, job: Callable[[Tx], T]) -> T:
        return self.desk.do(job)

    def forget(self, subscription: str) -> None:
        """As if it had never begun."""

        def job(tx: Tx) -> None:
            for table in (deliveries, pulls):
                tx.conn.execute(delete(table).where(table.c.subscription == subscription))

        self.write(job)
