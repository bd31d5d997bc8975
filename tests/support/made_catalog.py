"""A catalog of any size that reads like one: made up of kinds of departments, of what they deal
with, and of what they keep on it. Nothing in it is real but the words."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import lru_cache

from stdnum.cn import uscc

from ortoo_protocol.core.catalog import Entry, Item
from ortoo_protocol.core.catalog.elements import CYCLE_ORDER, MODES

LEAGUES = {
    "s150100": "呼和浩特市",
    "s150200": "包头市",
    "s150300": "乌海市",
    "s150400": "赤峰市",
    "s150500": "通辽市",
    "s150600": "鄂尔多斯市",
    "s150700": "呼伦贝尔市",
    "s150800": "巴彦淖尔市",
    "s150900": "乌兰察布市",
    "s152200": "兴安盟",
    "s152500": "锡林郭勒盟",
    "s152900": "阿拉善盟",
}
# What departments of a kind deal with.
_DUTIES = {
    "民政局": "最低生活保障家庭 临时救助对象 特困人员 残疾人两项补贴 婚姻登记 社会组织 养老机构",
    "教育局": "学校 教师资格 学籍 毕业证书 学前教育机构 教育资助对象",
    "公安局": "户籍人口 居民身份证 机动车 机动车驾驶证 居住证 出入境证件",
    "人力资源和社会保障局": "社会保险参保 失业保险待遇 工伤认定 职业资格证书 就业登记",
    "自然资源局": "不动产登记 建设用地批准 矿业权 地质灾害隐患点 测绘资质",
    "生态环境局": "排污许可 环境影响评价 空气质量监测 地表水水质监测 危险废物经营许可",
    "住房和城乡建设局": "建筑施工许可 商品房预售许可 公共租赁住房 燃气经营许可 供热单位",
    "交通运输局": "道路运输经营许可 公路路网 客运班线 网约车驾驶员 出租汽车",
    "水利局": "取水许可 水库 河湖长 水土保持方案 农村饮水工程",
    "农牧局": "草原承包经营权 农机购置补贴 动物检疫合格证明 种子经营许可 高标准农田",
    "林业和草原局": "林权 古树名木 野生动物驯养繁殖许可 草原防火",
    "卫生健康委员会": "医师执业注册 医疗机构 预防接种 出生医学证明 死亡医学证明 献血",
    "市场监督管理局": "营业执照 食品经营许可 药品经营许可 特种设备 产品质量监督抽查 商标",
    "应急管理局": "安全生产许可 危险化学品企业 烟花爆竹经营许可 应急避难场所",
    "医疗保障局": "基本医疗保险参保 定点医药机构 医疗救助对象 药品目录",
    "文化和旅游局": "旅行社 文物保护单位 公共图书馆 非物质文化遗产 星级饭店",
    "司法局": "律师执业 公证 法律援助 社区矫正",
    "发展和改革委员会": "投资项目审批 企业投资备案 电价 公共资源交易",
    "能源局": "煤矿 光伏电站 风电场 加油站 充电桩",
    "统计局": "规模以上工业企业 人口普查 GDP核算 居民收入",
    "退役军人事务局": "退役军人 优抚对象 烈士纪念设施",
    "财政局": "部门预算 政府采购 财政票据 惠农补贴发放",
}
_KEPT = """
    信息 名录 登记信息 审批信息 统计数据 台账 基本信息 变更信息 注销信息 年检结果 行政处罚信息
    名单 明细 空间数据 证照信息 缴费记录 核查结果 2025年度数据 GIS图层 A类清单
"""
_ITEMS = """
    姓名 公民身份号码 统一社会信用代码 单位名称 联系电话 地址 登记日期 有效期限 证书编号 发证机关
    状态 金额 面积 类别 级别 经度 纬度 备注 负责人 法定代表人 行政区划代码 更新时间 数量 家庭编号
    保障人数 出生日期 性别 民族 学历 开户银行 账号 车牌号码 型号 权利人 用途 批准文号
"""


@lru_cache(maxsize=1_000)
def departments(provider: str, count: int = len(_DUTIES)) -> list[tuple[str, str]]:
    """Code and name. The codes are made up, with right check digits."""
    place, kinds = LEAGUES.get(provider, provider), list(_DUTIES)
    found = []
    for number in range(1, count + 1):
        kind = kinds[(number - 1) % len(kinds)]
        bare = f"11{provider[1:]}MB{number:07d}"
        suffix = "" if number <= len(kinds) else f"第{number // len(kinds)}分局"
        found.append((bare + uscc.calc_check_digit(bare), f"{place}{kind}{suffix}"))
    return found


def entries(
    count: int,
    providers: Sequence[str] = tuple(LEAGUES),
    seed: int = 1,
    departments_each: int = len(_DUTIES),
) -> Iterator[Entry]:
    """Different codes, the providers in turn; the same for the same arguments."""
    chosen = random.Random(seed)  # noqa: S311  # not for secrets
    kinds = list(_DUTIES)
    for number in range(count):
        provider = providers[number % len(providers)]
        which = chosen.randrange(departments_each)
        code, department = departments(provider, departments_each)[which]
        place = which % len(kinds)
        subject = chosen.choice(_DUTIES[kinds[place]].split())
        yield _entry(number + 1, provider, code, department, place, subject, chosen)


def _entry(
    number: int,
    provider: str,
    code: str,
    department: str,
    place: int,
    subject: str,
    chosen: random.Random,
) -> Entry:
    kept = chosen.choice(_KEPT.split())
    names = chosen.sample(_ITEMS.split(), chosen.randint(4, 16))
    share = chosen.choices((1, 2, 3), (5, 4, 1))[0]
    name = subject + kept
    if chosen.random() < 0.4:
        name = LEAGUES.get(provider, provider) + name
    return Entry(
        code=f"3{place + 1:02d}{chosen.randint(1, 30):03d}/{number:06d}",
        version=1,
        name=name,
        provider=provider,
        department=code,
        department_name=department,
        office=chosen.choice(("办公室", "信息中心", "政务服务科", "法规科")),
        abstract=f"{department}在履行职责中采集、产生的{subject}{kept}，含{'、'.join(names[:4])}等，"
        f"供{chosen.choice(('行政审批', '资格核对', '统计分析', '信用评价'))}使用",
        format_class=3,
        format_type="table",
        items=tuple(
            Item(name=each, column=f"c{at}", type="C", length=50, share_type=share, key=at == 0)
            for at, each in enumerate(names)
        ),
        share_type=share,
        share_condition="" if share == 1 else "用于履行职责",
        basis="" if share == 1 else "《中华人民共和国政府信息公开条例》",
        modes=tuple(sorted(chosen.sample(MODES, chosen.randint(1, 2)))),
        purposes=("业务协同",),
        open_to_society=False,
        open_condition="",
        cycle=chosen.choice(CYCLE_ORDER),
        published_ms=1,
        related=(),
        feed=f"{provider}.r{number}",
        status="published",
        compiled_by="甲",
        reviewed_by="乙",
        secrecy_checked_by="乙",
        approved_by="丙",
        filed="登记〔2026〕1号",
        ratified_by="丁",
    )
