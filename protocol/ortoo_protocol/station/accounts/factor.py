"""Second factors (动态口令): TOTP of RFC 6238, and recovery codes for when the device is lost.

A code works once: the step of time of the last one is kept, and none at or before it is taken
(RFC 6238, 5.2). One step before and after the present one is a clock that is a little off.
"""

from __future__ import annotations

import base64
import hmac
import re

from sqlalchemy import delete, insert

from ortoo_protocol.station import secrets
from ortoo_protocol.station.accounts import keeping
from ortoo_protocol.station.accounts.people import Account, SecondFactor
from ortoo_protocol.station.accounts.sessions import secret_hash
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.account_tables import account_recovery

SECRET_BYTES, STEP_S, DRIFT_STEPS = 20, 30, 1
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


def begin(tx: Tx, account: Account, issuer: str) -> SecondFactor:
    """A new secret, in force once a code of it was given."""
    import pyotp

    raw = tx.parts.rand(SECRET_BYTES)
    sealed = secrets.seal(tx.parts.identity, tx.parts.rand, _use(account.account), raw)
    keeping.change(tx.conn, account.account, factor_next=sealed)
    secret = base64.b32encode(raw).decode()
    totp = pyotp.TOTP(secret, name=account.account, issuer=issuer)
    return SecondFactor(secret, totp.provisioning_uri())


def confirm(tx: Tx, account: Account, code: str) -> tuple[str, ...] | None:
    """Put the new secret in force if `code` is its; the recovery codes, shown once."""
    step = _step(tx, account, account.factor_next, code, after=0)
    if step is None:
        return None
    keeping.change(
        tx.conn,
        account.account,
        second_factor=account.factor_next,
        factor_next=b"",
        factor_step=step,
    )
    codes = tuple(_recovery_code(tx.parts.rand(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))
    _forget_codes(tx, account.account)
    rows = [
        {"hash": _code_hash(account.account, code), "account": account.account} for code in codes
    ]
    tx.conn.execute(insert(account_recovery), rows)
    return codes


def accept(tx: Tx, account: Account, code: str) -> bool:
    """Whether `code` is the device's, or a recovery code; from then on it is used."""
    typed = "".join(code.split())
    if _CODE.fullmatch(typed):
        step = _step(tx, account, account.second_factor, typed, after=account.factor_step)
        if step is None:
            return False
        keeping.change(tx.conn, account.account, factor_step=step)
        return True
    here = account_recovery.c.hash == _code_hash(account.account, typed)
    return tx.conn.execute(delete(account_recovery).where(here)).rowcount == 1


def end(tx: Tx, account: str) -> None:
    """It is lost: void, with all recovery codes."""
    keeping.change(tx.conn, account, second_factor=b"", factor_next=b"", factor_step=0)
    _forget_codes(tx, account)


def _step(tx: Tx, account: Account, sealed: bytes, code: str, *, after: int) -> int | None:
    """The step of time whose code this is; each is compared, so that none tells by its time."""
    if not sealed:
        return None
    import pyotp

    raw = secrets.unseal(tx.parts.identity, _use(account.account), sealed)
    totp = pyotp.TOTP(base64.b32encode(raw).decode(), interval=STEP_S)
    now = tx.now_ms // 1_000 // STEP_S
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    typed = "".join(code.split()).encode()
    right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), typed)]
    return next((step for step in right if step > after), None)


def _forget_codes(tx: Tx, account: str) -> None:
    tx.conn.execute(delete(account_recovery).where(account_recovery.c.account == account))


def _recovery_code(raw: bytes) -> str:
    text = base64.b32encode(raw).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _code_hash(account: str, code: str) -> bytes:
    """80 random bits: a fast hash is enough."""
    return secret_hash(f"recovery {account}", code.replace("-", "").casefold())


def _use(account: str) -> str:
    return f"second factor of {account}"
