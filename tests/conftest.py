"""Fixtures that every test may ask for, and how examples are drawn."""

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
