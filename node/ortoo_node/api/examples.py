"""An example of each body that a program sends, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_PEOPLE = {"handler": "张三", "approver": "李四"}
_RESOURCE, _GRANT = "307001150700/000001", "019e704495fb7b1a80bb4d6be74962ed"
_FILE = {"name": "证明.pdf", "content": "JVBERi0xLjQ="}

# By the name of the shape.
EXAMPLES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "RequestGiven": {
            "resources": [_RESOURCE],
            "purpose": "资格核对",
            "basis": "《内蒙古自治区政务信息资源共享管理暂行办法》第十九条",
            "scenario": "救助核对",
            "items": ["id", "name"],
            **_PEOPLE,
            "draft": True,
        },
        "WithdrawalGiven": {"reason": "不再需要", "handler": "张三"},
        "CompletionGiven": {"note": "补充扫描件", "attachments": [_FILE]},
        "DraftGiven": {
            "entry": {"code": "307001", "name": "低保对象名单", "share_type": 2},
            "by": "张三",
        },
        "EntryGiven": {"entry": {"name": "低保对象名单", "share_type": 2}},
        "SubscriptionGiven": {
            "resource": _RESOURCE,
            "sink": "fetched",
            "table": "dibao",
            "purpose": "资格核对",
        },
        "CursorGiven": {"cursor": "AAAAAAAAAAe2kz9n8S4mC1nQ0c3r0w5v"},
        "Question": {
            "purpose": "资格核对",
            "handler": "张三",
            "parameters": {"household_no": "001"},
        },
        "TransferGiven": {
            "resource": _RESOURCE,
            "purpose": "资格核对",
            "form": "csv",
            "handler": "张三",
        },
        "CorrectionGiven": {
            "grant": _GRANT,
            "text": "姓名有误",
            "found_ms": 1_795_000_000_000,
            "by": "张三",
            "key": {"id": "001"},
            "seen": {"name": "王小二"},
            "expected": {"name": "王晓二"},
        },
        "CorrectionAnswerGiven": {"outcome": "right", "reason": "核对无误", **_PEOPLE},
        "ClosingGiven": {"by": "张三", "reason": "已更正"},
    }
)
