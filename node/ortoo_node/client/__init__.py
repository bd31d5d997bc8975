"""A client of the programming interface, for programs of a department: typed, with httpx, in both
manners.

    from ortoo_node.client import Client, calls

    with Client("https://station.example:8443", token) as ortoo:
        for entry in ortoo.each(calls.search("低保")):
            print(entry.code, entry.name)

`calls` says what can be asked; `Client` asks and waits, `AsyncClient` does the same with await.
Errors of the station are raised as `Refused`, with their stable code.
"""

from ortoo_node.api.shapes.files import TransferGiven
from ortoo_node.api.shapes.queries import Question
from ortoo_node.client import calls
from ortoo_node.client.call import Call, Paged
from ortoo_node.client.errors import Broken, ClientError, Refused
from ortoo_node.client.waiting import Client
from ortoo_node.client.with_await import AsyncClient

__all__ = [
    "AsyncClient",
    "Broken",
    "Call",
    "Client",
    "ClientError",
    "Paged",
    "Question",
    "Refused",
    "TransferGiven",
    "calls",
]
