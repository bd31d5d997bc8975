"""A dispatch (函件): a message from one department to another under a grant that joins them."""

from __future__ import annotations

import re

from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CodecShape
from ortoo_protocol.core.ids import HexId

PART_BYTES = 512 << 10  # larger ones travel as several letters
MAX_PARTS = 256
MAX_SUBJECT_CHARACTERS = 200
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")


class Dispatch(Shape, frozen=True):
    """Part `part` of `parts` (from 0) of one dispatch; the content's bytes are the second part of
    the letter."""

    dispatch: HexId
    grant: HexId
    subject: str
    media_type: str
    part: Count
    parts: Count

    def __post_init__(self) -> None:
        if not self.part < self.parts <= MAX_PARTS:
            detail = f"part {self.part} of {self.parts}"
        elif len(self.subject) > MAX_SUBJECT_CHARACTERS or not self.subject.isprintable():
            detail = "its subject"
        elif not _MEDIA_TYPE.fullmatch(self.media_type):
            detail = "its media type"
        else:
            return
        raise CodecShape(expected="Dispatch", detail=detail)
