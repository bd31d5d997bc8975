"""The commented settings file that `init` writes."""

from __future__ import annotations

from collections.abc import Callable

from ortoo_protocol.core.ids import Plane

Say = Callable[[str], str]


def station(party: str, plane: Plane, name: str, language: str, _: Say) -> str:
    """The tables that every party has. What has a default stands commented out."""
    return f"""\
# {_("Settings of one Ortoo party. Unknown keys are refused; relative paths count from here.")}

[station]
party = {quoted(party)}
plane = {quoted(plane.value)}    # {_("extranet or intranet: never changed afterwards")}
name = {quoted(name)}
language = {quoted(language)}    # {_("of commands and pages: zh_CN or en; the log is English")}
# folder = "."    # {_("store, keys, socket and log")}

[keys]
file = "keys/station.key"
passphrase_file = "keys/passphrase"    # {_("mode 0600")}

[timing]
# head_s = 60
# reconnect_cap_s = 30

# {_("Notices to people, by file, mail and posts; see node/README.md.")}
# [notify]
# folder = "notices"
# authority = "11150700MB0000000G"    # {_("whose people hear what is overdue")}
"""


def broker(host: str, port: int, vhost: str, user: str) -> str:
    """The table that enrolment brings."""
    return f"""\

[broker]
host = {quoted(host)}
port = {port}
vhost = {quoted(vhost)}
user = {quoted(user)}
password_file = "keys/broker.password"
ca_file = "keys/broker.ca.pem"
"""


def management(_: Say) -> str:
    """The hub's own tables, for its administrator to fill in."""
    return f"""\

# {_("The broker of this plane, over TLS. Remove the # and fill in.")}
# [broker]
# host = "broker.example"
# port = 5671
# password_file = "keys/broker.password"    # {_("made by init; the hub makes its user with it")}
# ca_file = "keys/broker.ca.pem"

# {_("Its management interface, with an administrator apart from every party.")}
# [management]
# host = "broker.example"
# port = 15671
# user = "ortoo-admin"
# password_file = "keys/management.password"
# ca_file = "keys/broker.ca.pem"
# reconcile_s = 30
"""


def databases(_: Say) -> str:
    """A station's own tables: the departments' databases."""
    return f"""\

# {_("Databases that are published from. A URL with a password stands in a file of mode 0600.")}
# [[sources]]
# name = "civil-affairs"
# url = "sqlite:////var/lib/civil-affairs/data.sqlite"

# {_("Databases that subscriptions write to.")}
# [[sinks]]
# name = "front-end"
# url_file = "keys/front-end.url"

# {_("Folders of front-end machines: published from files in in/, written to as files in out/.")}
# [[folders]]
# name = "exchange"
# path = "/srv/exchange"
"""


_ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\"}


def quoted(text: str) -> str:
    """`text` as a basic string of TOML; control characters as \\uXXXX."""
    safe = text.translate(_ESCAPES)
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in safe) + '"'
