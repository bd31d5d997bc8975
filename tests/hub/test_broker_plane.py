"""A broker says whose it is; nobody of the other plane stays on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub.broker import ManagementAddress, ManagementBrokerAdmin
from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.core.errors import BusPlane
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.topology import broker_name, plane_of_broker

HUB = "h150000"
UNNAMED = "some cluster of an administrator"


@pytest.fixture
async def admin(broker: PrivateBroker) -> AsyncIterator[ManagementBrokerAdmin]:
    """The shared broker, without a name of ours before and after the test."""
    address = ManagementAddress(
        host=broker.host,
        port=broker.management_port,
        vhost="/",
        user=broker.admin_user,
        password=broker.admin_password,
        ca_file=broker.ca_file,
    )
    async with ManagementBrokerAdmin(address) as own:
        await own.claim(UNNAMED)
        yield own
        await own.claim(UNNAMED)


def bus(broker: PrivateBroker, plane: Plane) -> AmqpBus:
    """With an account that the broker knows."""
    return AmqpBus(
        AmqpAddress(
            host=broker.host,
            port=broker.amqps_port,
            vhost="/",
            user=broker.admin_user,
            password=broker.admin_password,
            ca_file=broker.ca_file,
            plane=plane,
        )
    )


async def test_a_broker_without_a_name_takes_either_plane(
    broker: PrivateBroker, admin: ManagementBrokerAdmin
) -> None:
    for plane in Plane:
        await (await bus(broker, plane).connect()).close()


async def test_the_other_planes_account_is_of_no_use(
    broker: PrivateBroker, admin: ManagementBrokerAdmin
) -> None:
    await admin.claim(broker_name(HUB, Plane.EXTRANET))
    await (await bus(broker, Plane.EXTRANET).connect()).close()
    with pytest.raises(BusPlane) as refusal:
        await bus(broker, Plane.INTRANET).connect()
    assert refusal.value.facts["found"] == "extranet"


async def test_the_other_planes_hub_touches_nothing(
    broker: PrivateBroker, admin: ManagementBrokerAdmin
) -> None:
    await admin.claim(broker_name(HUB, Plane.EXTRANET))
    await admin.claim(broker_name(HUB, Plane.EXTRANET))
    with pytest.raises(BusPlane):
        await admin.claim(broker_name(HUB, Plane.INTRANET))
    await (await bus(broker, Plane.EXTRANET).connect()).close()


def test_names_of_brokers() -> None:
    for plane in Plane:
        assert plane_of_broker(broker_name(HUB, plane)) is plane
    for other in ("rabbit@localhost", "ortoo-extranet", "ortoo-both-h150000", "", UNNAMED):
        assert plane_of_broker(other) is None
