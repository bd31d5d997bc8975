"""The closed lists of a catalog entry: what may stand in a field that is no free text.

After 《政务信息资源目录编制指南（试行）》 and the Measures.
"""

from __future__ import annotations

UNCONDITIONAL, CONDITIONAL, NOT_SHARED = 1, 2, 3  # 共享类型, Measures art. 13
ITEM_TYPES = frozenset("CNYDTLMGBIF")
CYCLES = frozenset(("实时", "每日", "每周", "每月", "每季度", "每半年", "每年", "其他"))
