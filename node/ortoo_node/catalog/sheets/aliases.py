"""Other headings under which people keep a column: of older templates, of other provinces, of
programs. Compared without spaces, width of characters, capitals and punctuation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

RESOURCE, ITEM = "resource", "item"


def other_names(level: str, field: str) -> Sequence[str]:
    return _ALIASES[f"items.{field}" if level == ITEM else field].split()


# By field of an entry, or of its items; between spaces.
_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "name": "资源名称 目录名称 数据目录名称 数据资源名称 政务信息资源名称 name",
        "name_en": "资源英文名 资源英文名称 信息资源英文名称 英文名 英文名称 name_en",
        "code": "资源代码 目录代码 目录编码 信息资源编码 资源编码 代码 编码 code",
        "department_name": (
            "提供方 资源提供方 提供单位 提供部门 数源单位 责任部门 提供方名称 department_name"
        ),
        "office": (
            "内部部门 内设处室 提供方内设机构 内设机构 处室 科室 信息资源提供方内部部门 office"
        ),
        "department": (
            "提供方代码 资源提供方代码 提供单位代码 统一社会信用代码 部门代码 "
            "信息资源提供方统一社会信用代码 department"
        ),
        "abstract": "资源摘要 摘要 目录摘要 内容摘要 数据摘要 资源描述 abstract",
        "source_system": (
            "来源系统 所属系统 来源系统名称 信息系统名称 所属信息系统名称 source_system"
        ),
        "format_class": (
            "格式分类 资源格式分类 信息资源格式信息资源格式分类 信息资源格式分类 资源格式 "
            "数据格式 format_class"
        ),
        "format_type": (
            "格式类型 资源格式类型 信息资源格式类型 信息资源格式信息资源格式类型 format_type"
        ),
        "format_other": (
            "其他类型格式描述 其他格式描述 其他类型信息资源格式描述 其它类型资源格式描述 "
            "format_other"
        ),
        "stored_gb": "数据存储总量 存储总量 信息资源存储总量 stored_gb",
        "records_10k": "结构化记录总数 结构化信息记录总数 结构化数据记录总数 records_10k",
        "shared_gb": "已共享存储量 已共享数据存储量 已共享的数据存储量 shared_gb",
        "shared_records_10k": (
            "已共享记录数 已共享的结构化记录数 已共享结构化记录数 shared_records_10k"
        ),
        "opened_gb": "已开放存储量 已开放数据存储量 已开放的数据存储量 opened_gb",
        "opened_records_10k": (
            "已开放记录数 已开放的结构化记录数 已开放结构化记录数 opened_records_10k"
        ),
        "items.name": "信息项 数据项 数据项名称 信息项信息信息项名称 字段中文名 items.name",
        "items.name_en": "信息项英文名称 数据项英文名 数据项英文名称 items.name_en",
        "items.type": "类型 信息项类型 信息项数据类型 数据项类型 字段类型 items.type",
        "items.length": "长度 信息项长度 信息项数据长度 数据项长度 字段长度 items.length",
        "items.share_type": "信息项共享类型 共享属性 共享属性共享类型 items.share_type",
        "items.share_condition": "信息项共享条件 共享属性共享条件 使用条件 items.share_condition",
        "items.modes": "共享方式 信息项共享方式 共享属性共享方式分类 共享属性共享方式 items.modes",
        "share_kinds": "共享属性共享方式类型 share_kinds",
        "items.open_to_society": (
            "向社会开放 是否开放 开放属性 开放属性是否向社会开放 社会开放 items.open_to_society"
        ),
        "items.open_condition": "开放属性开放条件 items.open_condition",
        "cycle": "更新频率 数据更新频率 数据更新周期 信息资源更新周期 cycle",
        "published_ms": "信息资源发布日期 目录发布日期 发布时间 published published_ms",
        "related_classes": "关联类目名称 关联及类目 关联类目 related_classes",
        "related": "关联信息资源代码 关联资源 关联目录代码 related",
        "share_type": "目录共享类型 信息资源共享类型 share_type",
        "share_condition": "目录共享条件 信息资源共享条件 share_condition",
        "basis": "依据 不予共享依据 共享类型依据 法律依据 政策依据 法律法规依据 basis",
        "modes": "目录共享方式 信息资源共享方式 modes",
        "purposes": "用途 共享用途 共享范围和用途 purposes",
        "open_to_society": "目录是否开放 open_to_society",
        "open_condition": "目录开放条件 open_condition",
        "replaces_paper": "免交材料 替代材料 减免材料 replaces_paper",
        "grade": "数据分级 数据级别 分类分级 grade",
        "personal": "是否含个人信息 是否包含个人信息 个人信息 personal",
        "impact_checked_by": "影响评估人 impact_checked_by",
        "lead_department": "牵头部门 lead_department",
        "project": "项目名称 project",
        "status": "状态 资源状态 status",
        "items.column": "字段 字段英文名 字段名称 列名 column items.column",
        "items.key": "主键 是否为主键 key items.key",
        "items.base": "是否基础信息项 基础信息项 信息项分类 items.base",
        "items.claims": "数源 是否为数源 items.claims",
        "items.sensitive": "敏感 是否敏感信息 是否敏感项 items.sensitive",
        "items.remark": "信息项备注 说明 信息项说明 items.remark",
        "compiled_by": "编制人 目录编制人 compiled_by",
        "reviewed_by": "审核人 reviewed_by",
        "secrecy_checked_by": "保密审查人 保密员 secrecy_checked_by",
        "approved_by": "审批人 approved_by",
    }
)
