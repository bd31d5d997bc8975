"""Fixtures that every test may ask for, and how examples are drawn."""

import signal

import pytest
from hypothesis import HealthCheck, settings

# A time limit for one example, or for drawing it, would judge the machine and not the code.
settings.register_profile("ortoo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ortoo")

pytest_plugins = [
    "tests.support.broker",
    "tests.support.postgres",
    "tests.support.mariadb",
    "tests.support.department",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-look",
        action="store_true",
        help="look at each page of the consoles, all forms too, in the dark and on a phone (long)",
    )


@pytest.fixture
def every_look(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--every-look"))


def pytest_configure() -> None:
    """What a shell starts in the background ignores interrupts, and so would all that tests start
    and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
