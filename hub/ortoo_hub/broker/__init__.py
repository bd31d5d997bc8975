"""The hub's hand on the broker: what stands there, and one step at a time towards what should."""

from ortoo_hub.broker.management import ManagementAddress, ManagementBrokerAdmin
from ortoo_hub.broker.memory import MemoryBrokerAdmin
from ortoo_hub.broker.port import BrokerAdmin
from ortoo_protocol.core.topology import rabbit_password_hash

__all__ = [
    "BrokerAdmin",
    "ManagementAddress",
    "ManagementBrokerAdmin",
    "MemoryBrokerAdmin",
    "rabbit_password_hash",
]
