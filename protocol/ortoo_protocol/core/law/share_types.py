"""共享类型: how a resource is shared (Measures art. 13, Decree 809 art. 14)."""

from __future__ import annotations

UNCONDITIONAL, CONDITIONAL, NOT_SHARED = 1, 2, 3
