"""Pages as files: HTML as it is, PDF printed by a Chromium of this machine (ADR 38)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ortoo_protocol.core.errors import PrintBrowser, PrintFile

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge", "browser360-cn")
TIMEOUT_S = 60


def write(to: Path, page: str) -> None:
    """Write `page` to a new file. Raises PrintFile, PrintBrowser."""
    if to.suffix.lower() not in (".html", ".pdf"):
        raise PrintFile(path=to, detail="its name ends in neither .html nor .pdf")
    if to.exists():
        raise PrintFile(path=to, detail="it is there already")
    try:
        if to.suffix.lower() == ".html":
            to.write_text(page, encoding="utf-8")
        else:
            _print(page, to.absolute())
    except OSError as error:
        raise PrintFile(path=to, detail=str(error)) from None


def _print(page: str, to: Path) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise PrintBrowser(detail=", ".join(BROWSERS))
    with tempfile.TemporaryDirectory(prefix="ortoo-print-") as folder:
        source = Path(folder) / "page.html"
        source.write_text(page, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer",
            f"--print-to-pdf={to}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),  # it refuses root otherwise
            source.as_uri(),
        ]
        try:
            # The page is our own, and has nothing from outside.
            run = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise PrintBrowser(detail=f"{browser}: {TIMEOUT_S} s") from None
    if run.returncode or not to.exists():
        said = run.stderr.decode("utf-8", "replace").strip().splitlines()
        raise PrintBrowser(detail=f"{browser}: {said[-1] if said else run.returncode}")
