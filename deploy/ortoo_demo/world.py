"""Who takes part in the demo, and what they hold: data only.

Places and townships are real. Departments' codes, people, and all rows about households are made
up; each such row says so in a column of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ortoo_demo.departments import Row, real_rows

SYNTHETIC = "合成数据"
UNCONDITIONAL, CONDITIONAL = 1, 2
_SQL_TYPES = {"C": "TEXT", "D": "TEXT", "I": "INTEGER"}


@dataclass(frozen=True)
class Department:
    station: str
    code: str
    name: str
    slug: str


@dataclass(frozen=True)
class Item:
    """信息项. `type` is C, I or D."""

    column: str
    name: str
    type: str
    length: int
    key: bool = False

    @property
    def sql_type(self) -> str:
        return _SQL_TYPES[self.type]


@dataclass(frozen=True)
class Resource:
    """A catalog entry with the department's table behind it."""

    code: str
    name: str
    slug: str
    owner: Department
    abstract: str
    share_type: int
    items: tuple[Item, ...]
    basis: str = ""
    condition: str = ""
    real_file: str = ""  # in data/; otherwise `count` rows are made up
    count: int = 0

    @property
    def feed(self) -> str:
        return f"{self.owner.station}.{self.slug}"

    @property
    def table(self) -> str:
        return self.slug.replace("-", "_")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(item.column for item in self.items)

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(item.column for item in self.items if item.key)

    def entry(self) -> dict[str, object]:
        """The entry file that its department's people write (目录编制)."""
        base = self.code.startswith("1")
        return {
            "code": self.code,
            "name": self.name,
            "department": self.owner.code,
            "office": "信息中心",
            "abstract": self.abstract,
            "format_class": 3,
            "format_type": "sqlite",
            "items": [
                {
                    "name": item.name,
                    "column": item.column,
                    "type": item.type,
                    "length": item.length,
                    "share_type": self.share_type,
                    "base": base,
                    "key": item.key,
                }
                for item in self.items
            ],
            "share_type": self.share_type,
            "share_condition": self.condition,
            "basis": self.basis,
            "modes": ["系统对接"],
            "purposes": ["工作参考", "业务协同"],
            "open_to_society": False,
            "open_condition": "",
            "cycle": "实时",
            "related": [],
            "feed": self.feed,
            "replaces_paper": "",
            "compiled_by": "编目员甲",
            "secrecy_checked_by": "保密员乙",
            "approved_by": "审核人丙",
        }


@dataclass(frozen=True)
class Cast:
    """The roles of one plane. Everybody's names are those of the directory.

    `everybody`: unconditional, taken by `takers`. `households`: conditional, asked for by `asker`
    and, inside the provider's own station, by `neighbour`. `ended`: the resource whose grant to
    `asker` is ended. `killed` is the station that dies in the middle, `suspended` the one that is
    put out at the end.
    """

    plane: str
    names: Mapping[str, str]
    search_word: str
    everybody: Resource
    takers: tuple[Department, ...]
    households: Resource
    granted_items: tuple[str, ...]
    asker: Department
    neighbour: Department
    neighbour_items: tuple[str, ...]
    ended: Resource
    killed: str
    suspended: str
    fresh: tuple[Row, ...]  # rows that `everybody` gains, as many as it loses

    @property
    def hub(self) -> str:
        return next(party for party in self.names if party.startswith("h"))

    @property
    def stations(self) -> tuple[str, ...]:
        return tuple(party for party in self.names if party.startswith("s"))

    @property
    def resources(self) -> tuple[Resource, ...]:
        return (self.everybody, self.households, self.ended)

    @property
    def departments(self) -> tuple[Department, ...]:
        owners = [resource.owner for resource in self.resources]
        return tuple(dict.fromkeys((*owners, *self.takers, self.asker, self.neighbour)))


def rows_of(resource: Resource) -> list[Row]:
    """What stands in the department's table at the beginning."""
    if resource.real_file:
        return real_rows(resource.real_file)
    return [made_up(resource, number) for number in range(1, resource.count + 1)]


def made_up(resource: Resource, number: int) -> Row:
    """Row `number` about a household that does not exist."""
    values: Mapping[str, Row] = {
        "household_no": (f"{resource.slug}-{number:06d}",),
        "head_name": (f"虚构户主{resource.slug}{number:04d}",),
        "id_number": (f"00000019{number % 90 + 10:02d}0101{number % 10_000:04d}",),
        "bank_account": (f"虚构账号-{resource.slug}-{number:08d}",),
        "township_code": (f"150702{number % 14 + 1:03d}",),
        "persons": (number % 6 + 1,),
        "monthly_yuan": (480 + number % 37 * 15,),
        "since": (f"{2015 + number % 10}-{number % 12 + 1:02d}-01",),
        "mark": (SYNTHETIC,),
    }
    return tuple(values[column][0] for column in resource.columns)


# --- extranet and intranet ----------------------------------------------------------------------

_HOUSEHOLD = Item("household_no", "家庭编号", "C", 40, key=True)
_HEAD = Item("head_name", "户主姓名", "C", 60)
_ID_NUMBER = Item("id_number", "公民身份号码", "C", 18)
_ACCOUNT = Item("bank_account", "银行账号", "C", 60)
_TOWNSHIP = Item("township_code", "乡镇代码", "C", 9)
_PERSONS = Item("persons", "保障人数", "I", 3)
_MONTHLY = Item("monthly_yuan", "月保障金额（元）", "I", 8)
_SINCE = Item("since", "起始日期", "D", 10)
_MARK = Item("mark", "数据标识", "C", 20)
_AID = (_HOUSEHOLD, _HEAD, _ID_NUMBER, _ACCOUNT, _TOWNSHIP, _PERSONS, _MONTHLY, _SINCE, _MARK)
_ALLOWANCE = (_HOUSEHOLD, _HEAD, _MONTHLY, _SINCE, _MARK)
_GRANTED = ("household_no", "township_code", "persons", "monthly_yuan", "since", "mark")
_NEIGHBOUR = ("household_no", "head_name", "persons", "mark")
_LAW = "《社会救助暂行办法》（国务院令第649号）"
_CONDITION = "用于社会救助资格核对，经提供部门同意"

_REGION_CIVIL = Department("s150000", "11150000MB1500001J", "内蒙古自治区民政厅", "region-civil")
_HULUNBUIR_CIVIL = Department("s150700", "11150700MB1500001N", "呼伦贝尔市民政局", "civil")
_HULUNBUIR_SCHOOLS = Department("s150700", "11150700MB1500002R", "呼伦贝尔市教育局", "schools")
_BAOTOU_CIVIL = Department("s150200", "11150200MB1500001W", "包头市民政局", "civil")
_ALXA_CIVIL = Department("s152900", "11152900MB1500001R", "阿拉善盟民政局", "civil")


def extranet() -> Cast:
    return Cast(
        plane="extranet",
        names={
            "h150000": "内蒙古自治区外网枢纽",
            "s150000": "自治区本级节点",
            "s150700": "呼伦贝尔市节点",
            "s150200": "包头市节点",
            "s152900": "阿拉善盟节点",
        },
        search_word="苏木",
        everybody=Resource(
            code="103001/000001",
            name="乡级行政区划名录",
            slug="townships",
            owner=_REGION_CIVIL,
            abstract="全区街道、镇、乡、苏木的名称和统计用区划代码",
            share_type=UNCONDITIONAL,
            items=(
                Item("code", "乡级代码", "C", 9, key=True),
                Item("name", "名称", "C", 100),
                Item("area_code", "县级代码", "C", 6),
                Item("city_code", "地级代码", "C", 4),
            ),
            real_file="inner-mongolia-townships.csv",
        ),
        takers=(_BAOTOU_CIVIL, _ALXA_CIVIL),
        households=Resource(
            code="307001/000001",
            name="最低生活保障家庭信息（合成数据）",
            slug="dibao",
            owner=_HULUNBUIR_CIVIL,
            abstract="城乡最低生活保障（低保）家庭，演示用合成数据",
            share_type=CONDITIONAL,
            items=_AID,
            basis=_LAW,
            condition=_CONDITION,
            count=400,
        ),
        granted_items=_GRANTED,
        asker=_ALXA_CIVIL,
        neighbour=_HULUNBUIR_SCHOOLS,
        neighbour_items=_NEIGHBOUR,
        ended=Resource(
            code="307001/000002",
            name="高龄津贴发放信息（合成数据）",
            slug="gaoling",
            owner=_HULUNBUIR_CIVIL,
            abstract="高龄津贴发放对象，演示用合成数据",
            share_type=CONDITIONAL,
            items=_ALLOWANCE,
            basis=_LAW,
            condition=_CONDITION,
            count=60,
        ),
        killed="s150200",
        suspended="s152900",
        fresh=tuple(
            (f"159999{number:03d}", f"虚构新设苏木{number:03d}", "159999", "1599")
            for number in range(1, 13)
        ),
    )


def intranet() -> Cast:
    return Cast(
        plane="intranet",
        names={
            "h150000": "内蒙古自治区内网枢纽",
            "s150700": "呼伦贝尔市节点（内网）",
            "s150200": "包头市节点（内网）",
        },
        search_word="旗县",
        everybody=Resource(
            code="103002/000001",
            name="旗县区行政区划名录",
            slug="counties",
            owner=_HULUNBUIR_CIVIL,
            abstract="全区旗县区的名称和统计用区划代码",
            share_type=UNCONDITIONAL,
            items=(
                Item("code", "县级代码", "C", 6, key=True),
                Item("name", "名称", "C", 100),
                Item("city_code", "地级代码", "C", 4),
            ),
            real_file="inner-mongolia-counties.csv",
        ),
        takers=(_BAOTOU_CIVIL,),
        households=Resource(
            code="307002/000001",
            name="临时救助对象信息（合成数据）",
            slug="linshi",
            owner=_HULUNBUIR_CIVIL,
            abstract="临时救助对象，演示用合成数据",
            share_type=CONDITIONAL,
            items=_AID,
            basis=_LAW,
            condition=_CONDITION,
            count=400,
        ),
        granted_items=_GRANTED,
        asker=_BAOTOU_CIVIL,
        neighbour=_HULUNBUIR_SCHOOLS,
        neighbour_items=_NEIGHBOUR,
        ended=Resource(
            code="307002/000002",
            name="特困人员供养信息（合成数据）",
            slug="tekun",
            owner=_HULUNBUIR_CIVIL,
            abstract="特困人员供养对象，演示用合成数据",
            share_type=CONDITIONAL,
            items=_ALLOWANCE,
            basis=_LAW,
            condition=_CONDITION,
            count=60,
        ),
        killed="s150200",
        suspended="s150200",
        fresh=tuple(
            (f"1599{number:02d}", f"虚构新设旗{number:02d}", "1599") for number in range(1, 13)
        ),
    )
