"""Keys at rest: what the store keeps is sealed with the store key from the key file."""

from __future__ import annotations

from ortoo_protocol.core.errors import KeysRefused, StoreError
from ortoo_protocol.core.keys import Random, domain
from ortoo_protocol.station.context import Identity


def _context(identity: Identity, use: str) -> bytes:
    return domain("ortoo/at-rest", identity.plane, identity.party.encode(), use.encode())


def seal(identity: Identity, rand: Random, use: str, secret: bytes) -> bytes:
    """`use` names the place (feed and epoch): a sealed key moved elsewhere does not open."""
    suite = identity.suite
    nonce = rand(suite.nonce_bytes)
    return nonce + suite.seal(identity.store_key, nonce, _context(identity, use), secret)


def unseal(identity: Identity, use: str, sealed: bytes) -> bytes:
    """Raises StoreError: the store and the key file do not belong together."""
    suite = identity.suite
    nonce, text = sealed[: suite.nonce_bytes], sealed[suite.nonce_bytes :]
    try:
        return suite.open(identity.store_key, nonce, _context(identity, use), text)
    except KeysRefused:
        raise StoreError(detail=f"the key of {use} does not open with these keys") from None
