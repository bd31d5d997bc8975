"""Limits and kinds of values that several subjects share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le, MaxLen, MinLen

MOST_MS = 1 << 52
MOST_PAGE, USUAL_PAGE = 200, 50

Ms = Annotated[int, Ge(0), Le(MOST_MS)]  # milliseconds since 1970; 0 where there is none
Text = Annotated[str, MaxLen(4_000)]
Name = Annotated[str, MinLen(1), MaxLen(200)]
Id = Annotated[str, MinLen(1), MaxLen(80)]
Code = Annotated[str, MinLen(1), MaxLen(80)]  # of a resource
Base64 = Annotated[str, MaxLen(12 << 20)]
Texts = dict[str, str]


class Closed:
    """A body in which only the fields that are named here may stand."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


class Told:
    """An answer: checked against its shape, also where its parts came as plain mappings."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"revalidate_instances": "always"}
