"""Exit codes: one table from errors to numbers, for scripts (documented in every --help)."""

from __future__ import annotations

import enum
from types import MappingProxyType

from ortoo_protocol.core import errors
from ortoo_protocol.i18n import mark


class Exit(enum.IntEnum):
    OK = 0
    DEFECT = 1
    USAGE = 2
    SETUP = 3
    REFUSED = 4
    UNREACHABLE = 5
    UNVERIFIED = 6


EPILOGUE = mark(
    "Exit codes: 0 done; 1 a defect of the program; 2 wrong usage; 3 something has to be installed,"
    " configured or repaired here; 4 refused by a rule or by the other side; 5 not reachable;"
    " 6 verification failed. Language: ORTOO_LANG=zh_CN or en."
)

# The nearest class above an error decides.
EXITS = MappingProxyType(
    {
        errors.OrtooError: Exit.DEFECT,
        errors.EnvelopeError: Exit.UNVERIFIED,
        errors.CodecError: Exit.UNVERIFIED,
        errors.CodecIdentifier: Exit.USAGE,
        errors.KeysError: Exit.SETUP,
        errors.KeysRefused: Exit.UNVERIFIED,
        errors.TrustError: Exit.UNVERIFIED,
        errors.TrustToken: Exit.REFUSED,
        errors.TrustDepartment: Exit.REFUSED,
        errors.TrustUnknownParty: Exit.REFUSED,
        errors.TrustStale: Exit.UNREACHABLE,
        errors.TrustClock: Exit.SETUP,
        errors.FeedError: Exit.UNVERIFIED,
        errors.FeedUnknown: Exit.REFUSED,
        errors.FeedMixed: Exit.REFUSED,
        errors.FeedQuota: Exit.REFUSED,
        errors.FeedRetention: Exit.REFUSED,
        errors.GrantError: Exit.REFUSED,
        errors.LawError: Exit.REFUSED,
        errors.GazetteError: Exit.REFUSED,
        errors.PrintError: Exit.SETUP,
        errors.SupervisionError: Exit.REFUSED,
        errors.QualityError: Exit.REFUSED,
        errors.QueryError: Exit.REFUSED,
        errors.QueryDeclaration: Exit.USAGE,
        errors.QueryParameter: Exit.USAGE,
        errors.QuerySilent: Exit.UNREACHABLE,
        errors.QueryAnswer: Exit.UNVERIFIED,
        errors.JournalError: Exit.UNVERIFIED,
        errors.BusError: Exit.UNREACHABLE,
        errors.BusTlsAuthority: Exit.UNVERIFIED,
        errors.BusTlsHostname: Exit.UNVERIFIED,
        errors.BusLoginRefused: Exit.REFUSED,
        errors.BusPlane: Exit.SETUP,
        errors.BusForbidden: Exit.REFUSED,
        errors.BrokerAdminTls: Exit.UNVERIFIED,
        errors.BrokerAdminLogin: Exit.REFUSED,
        errors.BrokerAdminRefused: Exit.REFUSED,
        errors.PrivateBrokerMissing: Exit.SETUP,
        errors.PrivateBrokerFailed: Exit.SETUP,
        errors.StoreError: Exit.SETUP,
        errors.BackupError: Exit.SETUP,
        errors.BackupLocked: Exit.REFUSED,
        errors.BackupDamaged: Exit.UNVERIFIED,
        errors.DatabaseUrl: Exit.SETUP,
        errors.RowsError: Exit.REFUSED,
        errors.SourceError: Exit.SETUP,
        errors.SourceUnreachable: Exit.UNREACHABLE,
        errors.PublicationOption: Exit.USAGE,
        errors.SinkError: Exit.SETUP,
        errors.SubscriptionError: Exit.REFUSED,
        errors.AccountError: Exit.REFUSED,
        errors.AccountAct: Exit.UNVERIFIED,
        errors.ApiError: Exit.REFUSED,
        errors.ConsoleError: Exit.REFUSED,
        errors.SinkUnavailable: Exit.UNREACHABLE,
        errors.PublicationOption: Exit.USAGE,
        errors.FileError: Exit.REFUSED,
        errors.FileHash: Exit.UNVERIFIED,
        errors.FileUnfit: Exit.UNVERIFIED,
        errors.FileDiskFull: Exit.SETUP,
        errors.FileTarget: Exit.SETUP,
        errors.SettingsError: Exit.SETUP,
        errors.DaemonError: Exit.UNREACHABLE,
        errors.DaemonForbidden: Exit.REFUSED,
        errors.DaemonRequest: Exit.USAGE,
        errors.DaemonBroken: Exit.DEFECT,
        errors.RemoteError: Exit.REFUSED,
    }
)


def exit_of(error: errors.OrtooError) -> Exit:
    """The code with which a command ends after `error`."""
    for cls in type(error).__mro__:
        if issubclass(cls, errors.OrtooError) and cls in EXITS:
            return EXITS[cls]
    return Exit.DEFECT
