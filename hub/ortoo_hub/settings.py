"""Settings of a hub: the common part, and the broker's management interface."""

from __future__ import annotations

from pathlib import Path

from ortoo_protocol.core.errors import SettingsLacking, SettingsValue
from ortoo_protocol.station import settings as common
from ortoo_protocol.station.accounts.settings import AccountsTable, check_accounts
from ortoo_protocol.station.notify.settings import NotifyTable, check_notify
from ortoo_protocol.station.settings import FILE_NAME, Port, Positive, Table, Text


class ManagementTable(Table, frozen=True, kw_only=True):
    """RabbitMQ's management interface over TLS; `user` is an administrator apart from parties."""

    host: Text
    port: Port = 15671
    user: Text
    password_file: Path = Path("keys/management.password")
    ca_file: Path = Path("keys/broker.ca.pem")
    reconcile_s: Positive = 30.0


class CatalogTable(Table, frozen=True):
    """`codes`: the region's table of codes (.toml or .csv); without it any code is taken."""

    codes: Path | None = None


class HubSettings(common.Settings, frozen=True):
    """`management` may be missing until the hub runs."""

    management: ManagementTable | None = None
    catalog: CatalogTable = CatalogTable()
    notify: NotifyTable = NotifyTable()
    accounts: AccountsTable = AccountsTable()

    def need_management(self) -> ManagementTable:
        if self.management is None:
            raise SettingsLacking(place=str(self.folder / FILE_NAME), key="management")
        return self.management


def load(path: Path) -> HubSettings:
    """Read and check `path`; errors as `ortoo_protocol.station.settings.load`."""
    settings = common.load(path, HubSettings)
    if not settings.station.party.startswith("h"):
        place = str(common.locate(path))
        raise SettingsValue(place=place, key="station.party", detail="a hub's id begins with h")
    check_notify(str(common.locate(path)), settings.notify)
    check_accounts(str(common.locate(path)), settings.accounts)
    return settings
