"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.support.broker",
    "tests.support.postgres",
    "tests.support.mariadb",
    "tests.support.department",
]
