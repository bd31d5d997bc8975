"""The main job, step by step: one list, played on each plane, and what concerns both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ortoo_demo import catalogs, disputing, ending, following, founding, proving, searching, sharing
from ortoo_demo.plane import Plane
from ortoo_demo.texts import Text


@dataclass(frozen=True)
class Step:
    """`run` raises an OrtooError when a check of it does not hold; it returns what was seen."""

    name: Text
    run: Callable[[Plane], Text]


# What a region is founded with, what its people then do, and what tries to break it.
FOUNDING: tuple[Step, ...] = (
    Step(Text("消息服务器与目录初始化", "broker and folders"), founding.brokers),
    Step(Text("根与登记管理员门限签名", "ceremony with thresholds"), founding.ceremony),
    Step(Text("节点入网", "enrolment"), founding.enrol),
)
SHARING: tuple[Step, ...] = (
    Step(Text("目录联合与检索", "catalog federated and found"), sharing.catalog),
    Step(Text("整本目录导入", "whole catalogs imported"), catalogs.imported),
    Step(Text("无条件共享：直接订阅", "unconditional: subscribed"), sharing.unconditional),
    Step(Text("有条件共享：拒绝须有理由", "conditional: refused with reason"), sharing.refused),
    Step(Text("拒绝后协商、协调、决定", "refused, negotiated, coordinated"), disputing.coordinated),
    Step(Text("有条件共享：按信息项核准", "conditional: granted in part"), sharing.granted_in_part),
    Step(Text("同节点两部门共享", "inside one station"), sharing.inside_one_station),
    Step(Text("增、改、删随动", "changes followed"), following.changes),
)
TRIALS: tuple[Step, ...] = (
    Step(Text("读取方被强制杀死", "reader killed in the middle"), following.killed),
    Step(Text("读取方重启补齐", "reader restarted"), following.restarted),
    Step(Text("枢纽停机", "hub killed, feeds go on"), following.without_hub),
    Step(Text("备案后终止授权", "grant ended"), ending.grant_ended),
    Step(Text("终止后不可得", "canary after the end"), ending.canary),
    Step(Text("越权尝试", "rules of the broker"), ending.rules_of_the_broker),
    Step(Text("日志核验", "journals verify"), proving.journals),
    Step(Text("对账证明", "proofs agree"), proving.proofs),
    Step(Text("密文检索", "nothing readable"), searching.unreadable),
    Step(Text("运行体检", "everybody is well"), proving.healthy),
    Step(Text("节点暂停", "station suspended"), ending.suspended),
)
STEPS = FOUNDING + SHARING + TRIALS

NEVER_MEET = Text("两平面互不相通", "planes never meet")
ENDED = Text("有序停止", "ended in order")
EQUAL = Text("两端数据库逐行比对", "databases compared")
EXTRANET_INTRANET_STATION = "s150200"


def never_meet(extranet: Plane, intranet: Plane) -> Text:
    """An intranet station on what belongs to the extranet, of the very same city."""
    return proving.planes_never_meet(intranet, extranet, EXTRANET_INTRANET_STATION)
