"""What aio-pika and aiormq raise, said in Ortoo's own errors."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Final

from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    InvalidFrameError,
    ProbableAuthenticationError,
)

from ortoo_protocol.core.errors import (
    BusError,
    BusLoginRefused,
    BusLost,
    BusTlsAuthority,
    BusTlsHostname,
    BusTlsRefused,
    BusUnreachable,
)

# Raised when a channel or connection went away; RuntimeError is aiormq's "invalid state".
GONE: Final = (AMQPError, OSError, RuntimeError)

# X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL.
_WRONG_NAME: Final = (62, 64)


def cancelled_from_outside() -> bool:
    """A dead link surfaces as a CancelledError that nobody asked for; this tells them apart."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextlib.contextmanager
def lost_is_named(subject: str) -> Iterator[None]:
    """Turn a link that broke, in whatever way aiormq shows it, into BusLost."""
    try:
        yield
    except asyncio.CancelledError as gone:
        if cancelled_from_outside():
            raise
        raise BusLost(detail=f"{subject}: connection closed") from gone
    except GONE as gone:
        raise BusLost(detail=f"{subject}: {str(gone) or type(gone).__name__}") from gone


def is_about(refusal: str, exchange: str, routing_key: str) -> bool:
    """Whether the text of a 403 names this publish: its topic, or its exchange as a whole."""
    return f"'{routing_key}'" in refusal or (
        f"'{exchange or 'amq.default'}'" in refusal and " topic " not in refusal
    )


def connect_error(
    failure: BaseException, address: object, user: str, vhost: str, timeout_s: float
) -> BusError | None:
    """Name what connecting raised; None for what is not the broker's doing."""
    if isinstance(failure, TimeoutError):
        return BusUnreachable(address=address, detail=f"no answer within {timeout_s:g} s")
    if isinstance(failure, ProbableAuthenticationError | AuthenticationError):
        return BusLoginRefused(address=address, user=user, detail=str(failure))
    # aiormq takes the broker's refusal of a virtual host (530) for a frame out of place.
    if isinstance(failure, InvalidFrameError) and "Connection.Close" in str(failure):
        detail = f"no permission on virtual host {vhost}"
        return BusLoginRefused(address=address, user=user, detail=detail)
    cause = failure.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        named = BusTlsHostname if cause.verify_code in _WRONG_NAME else BusTlsAuthority
        return named(address=address, detail=cause.verify_message)
    if isinstance(cause, ssl.SSLError):
        return BusTlsRefused(address=address, detail=cause.reason or str(cause))
    if isinstance(failure, asyncio.CancelledError | AMQPError | OSError):
        return BusUnreachable(address=address, detail=str(failure) or type(failure).__name__)
    return None
