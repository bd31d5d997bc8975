"""Settings of accounts: `[accounts]`. All have defaults.

[accounts]
second_factor = "admins"   # for whom it is demanded: "all", "admins", "none"
password_least = 10        # characters
password_kinds = 3         # of small letters, capitals, digits, others
password_days = 0          # after which a new one is asked for; 0: never
idle_s = 1800              # signed out after this time without a request
session_s = 36000          # and after this time in any case
link_s = 86400             # how long a one-time link works
issuer = ""                # what the second factor's device shows; the party's id if left out

[accounts.unified]         # 统一身份认证, OpenID Connect; the platform's own login stays beside it
issuer = "https://sso.example.gov.cn"
client_id = "ortoo"
secret_file = "keys/unified.secret"
redirect = "https://ortoo.example.gov.cn/sign-in/unified"
second_factor = "here"     # or "provider": its word is enough
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ortoo_protocol.core.accounts.passwords import PasswordRules
from ortoo_protocol.core.accounts.sessions import FactorPolicy, SessionRules
from ortoo_protocol.core.errors import SettingsValue
from ortoo_protocol.station.settings import Table, Text
from ortoo_protocol.station.signed_posts import unfit

_Length = Annotated[int, msgspec.Meta(ge=8, le=64)]
_Kinds = Annotated[int, msgspec.Meta(ge=1, le=4)]
_Days = Annotated[int, msgspec.Meta(ge=0, le=3_650)]
_Idle = Annotated[int, msgspec.Meta(ge=60, le=86_400)]
_Long = Annotated[int, msgspec.Meta(ge=60, le=7 * 86_400)]
DAY_MS = 86_400_000


HERE, PROVIDER = "here", "provider"


class UnifiedTable(Table, frozen=True, kw_only=True):
    """`redirect`: the console's address that the provider sends people back to, as it is registered
    there; `ca_file`: whose certificates are believed, the system's if left out. `second_factor`:
    whether this platform asks for its own code, or the provider has asked for one."""

    issuer: Text
    client_id: Text
    redirect: Text
    secret_file: Path | None = None
    scopes: tuple[str, ...] = ("openid",)
    ca_file: Path | None = None
    second_factor: Literal["here", "provider"] = "here"


class AccountsTable(Table, frozen=True):
    """`password_least` below 8 is refused; GB/T 22239 asks for passwords of several kinds of
    characters that are changed now and then."""

    second_factor: FactorPolicy = FactorPolicy.ADMINS
    password_least: _Length = 10
    password_kinds: _Kinds = 3
    password_days: _Days = 0
    idle_s: _Idle = 1_800
    session_s: _Long = 36_000
    link_s: _Long = 86_400
    issuer: str = ""
    unified: UnifiedTable | None = None

    @property
    def passwords(self) -> PasswordRules:
        return PasswordRules(self.password_least, self.password_kinds)

    @property
    def sessions(self) -> SessionRules:
        return SessionRules(self.idle_s * 1_000, self.session_s * 1_000)

    def is_old(self, password_ms: int, now_ms: int) -> bool:
        """Whether a password set then has to be changed now."""
        return 0 < self.password_days * DAY_MS < now_ms - password_ms


def check_accounts(place: str, table: AccountsTable) -> None:
    """Raises SettingsValue for addresses at which secrets would be seen on the way."""
    if table.unified is None:
        return
    for name in ("issuer", "redirect"):
        if why := unfit(getattr(table.unified, name), plain=False):
            raise SettingsValue(place=place, key=f"accounts.unified.{name}", detail=why)
