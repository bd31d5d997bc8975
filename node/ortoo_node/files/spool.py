"""Where contents lie that a department's programs, or people, save over HTTP: a folder a transfer,
below the department's, in the station's own."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

KEPT_S = 3 * 86_400
FOLDER, CONTENT = "fetched", "content"
_PLACE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Spool:
    """Of one department; blocking."""

    station_folder: Path
    department: str

    @property
    def folder(self) -> Path:
        return self.station_folder / FOLDER / self.department

    def make(self, name: str) -> Path:
        """Where a new content goes. `name`: 32 hexadecimal digits."""
        place = self.folder / name
        place.mkdir(mode=0o700, parents=True)
        return place / CONTENT

    def holds(self, target: str) -> bool:
        """Whether a transfer to `target` is the department's."""
        path = Path(target)
        return (
            path.name == CONTENT
            and _PLACE.fullmatch(path.parent.name) is not None
            and path.parent.parent == self.folder
        )

    def remove(self, target: str) -> None:
        if self.holds(target):
            shutil.rmtree(Path(target).parent, ignore_errors=True)

    def remove_old(self) -> None:
        """What nobody fetched within `KEPT_S`."""
        before_s = time.time() - KEPT_S
        if self.folder.is_dir():
            for place in self.folder.iterdir():
                if place.stat().st_mtime < before_s:
                    shutil.rmtree(place, ignore_errors=True)
