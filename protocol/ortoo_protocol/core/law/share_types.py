"""共享类型: how a resource is shared (Measures art. 13, Decree 809 art. 14)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UNCONDITIONAL, CONDITIONAL, NOT_SHARED = 1, 2, 3
# As they are said to people; message ids of the catalogs.
WORDS: Mapping[int, str] = MappingProxyType(
    {UNCONDITIONAL: "unconditional", CONDITIONAL: "conditional", NOT_SHARED: "not shared"}
)
