"""Bundles as ZIP files: one set of files has one sequence of bytes.

Stored, not compressed (what is sealed does not shrink), sorted by name, all of one date. Reading
believes no length that the archive states.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ortoo_protocol.core.errors import EvidenceForm
from ortoo_protocol.core.evidence import Files

MAX_BUNDLE_BYTES = 1 << 30
MAX_FILES = 50_000
_DATE = (1980, 1, 1, 0, 0, 0)


def pack(files: Files) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3  # wherever it is made
            info.external_attr = 0o644 << 16
            bundle.writestr(info, files[name])
    return target.getvalue()


def read(path: Path) -> dict[str, bytes]:
    """Raises EvidenceForm; OSError for a file that cannot be read."""
    if path.stat().st_size > MAX_BUNDLE_BYTES:
        raise EvidenceForm(detail=f"larger than {MAX_BUNDLE_BYTES} bytes")
    return unpack(path.read_bytes())


def unpack(data: bytes) -> dict[str, bytes]:
    """Raises EvidenceForm."""
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            entries = bundle.infolist()
            if len(entries) > MAX_FILES:
                raise EvidenceForm(detail=f"{len(entries)} files")
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise EvidenceForm(detail=f"{entry.filename} is compressed")
                if entry.filename in files:
                    raise EvidenceForm(detail=f"{entry.filename} stands twice")
                files[entry.filename] = bundle.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise EvidenceForm(detail=str(error)) from None
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise EvidenceForm(detail=str(error)) from None
    return files
