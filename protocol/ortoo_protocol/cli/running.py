"""What `run` needs before the service itself: the log."""

from __future__ import annotations

import enum
import logging
import logging.handlers
from typing import Annotated

import typer

from ortoo_protocol.cli.json_lines import JsonFormatter
from ortoo_protocol.cli.visible import LineFormatter
from ortoo_protocol.station.disk import file_failure
from ortoo_protocol.station.settings import Settings

LOG_FILE = "ortoo.log"
LOG_FILE_BYTES = 10 * 1024 * 1024
LOG_FILES_KEPT = 9
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Level(enum.StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogLevel = Annotated[Level, typer.Option("--log-level", help="How much is logged.")]


def start_log(settings: Settings, level: Level) -> None:
    """Log to stderr and to `log/ortoo.log`, which is rotated, in the form that `[station] log`
    names; for a program's main only."""
    try:
        settings.log_folder.mkdir(mode=0o750, exist_ok=True)
        kept = logging.handlers.RotatingFileHandler(
            settings.log_folder / LOG_FILE,
            maxBytes=LOG_FILE_BYTES,
            backupCount=LOG_FILES_KEPT,
            encoding="utf-8",
        )
    except OSError as error:
        raise file_failure(error, settings.log_folder) from None
    handlers = (logging.StreamHandler(), kept)
    for handler in handlers:
        as_json = settings.station.log == "json"
        handler.setFormatter(JsonFormatter() if as_json else LineFormatter(_FORMAT))
    logging.basicConfig(level=level.value.upper(), handlers=handlers)
    # Requests of the management interface, steps of a migration and tracebacks of links that are
    # lost would bury the rest; the engine says what became of a link.
    for name, least in (("httpx", "WARNING"), ("alembic", "WARNING"), ("aiormq", "CRITICAL")):
        logging.getLogger(name).setLevel(least)
