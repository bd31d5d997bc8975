"""Divisions of the region (GB/T 2260): the league or city, and its banners, counties and districts.

As published by the National Bureau of Statistics, 2023 edition; development zones (the third pair
of digits from 71 on) are its own. Codes of townships and villages begin with their county's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REGION = "150000"

LEAGUES: Mapping[str, str] = MappingProxyType(
    {
        "150100": "呼和浩特市",
        "150200": "包头市",
        "150300": "乌海市",
        "150400": "赤峰市",
        "150500": "通辽市",
        "150600": "鄂尔多斯市",
        "150700": "呼伦贝尔市",
        "150800": "巴彦淖尔市",
        "150900": "乌兰察布市",
        "152200": "兴安盟",
        "152500": "锡林郭勒盟",
        "152900": "阿拉善盟",
    }
)

# Behind each league its counties, as "last two digits, name".
_COUNTIES = """
1501 02新城区 03回民区 04玉泉区 05赛罕区 21土默特左旗 22托克托县 23和林格尔县 24清水河县
  25武川县 72呼和浩特经济技术开发区
1502 02东河区 03昆都仑区 04青山区 05石拐区 06白云鄂博矿区 07九原区 21土默特右旗 22固阳县
  23达尔罕茂明安联合旗 71包头稀土高新技术产业开发区
1503 02海勃湾区 03海南区 04乌达区
1504 02红山区 03元宝山区 04松山区 21阿鲁科尔沁旗 22巴林左旗 23巴林右旗 24林西县 25克什克腾旗
  26翁牛特旗 28喀喇沁旗 29宁城县 30敖汉旗
1505 02科尔沁区 21科尔沁左翼中旗 22科尔沁左翼后旗 23开鲁县 24库伦旗 25奈曼旗 26扎鲁特旗
  71通辽经济技术开发区 81霍林郭勒市
1506 02东胜区 03康巴什区 21达拉特旗 22准格尔旗 23鄂托克前旗 24鄂托克旗 25杭锦旗 26乌审旗
  27伊金霍洛旗
1507 02海拉尔区 03扎赉诺尔区 21阿荣旗 22莫力达瓦达斡尔族自治旗 23鄂伦春自治旗 24鄂温克族自治旗
  25陈巴尔虎旗 26新巴尔虎左旗 27新巴尔虎右旗 81满洲里市 82牙克石市 83扎兰屯市 84额尔古纳市
  85根河市
1508 02临河区 21五原县 22磴口县 23乌拉特前旗 24乌拉特中旗 25乌拉特后旗 26杭锦后旗
1509 02集宁区 21卓资县 22化德县 23商都县 24兴和县 25凉城县 26察哈尔右翼前旗 27察哈尔右翼中旗
  28察哈尔右翼后旗 29四子王旗 81丰镇市
1522 01乌兰浩特市 02阿尔山市 21科尔沁右翼前旗 22科尔沁右翼中旗 23扎赉特旗 24突泉县
1525 01二连浩特市 02锡林浩特市 22阿巴嘎旗 23苏尼特左旗 24苏尼特右旗 25东乌珠穆沁旗
  26西乌珠穆沁旗 27太仆寺旗 28镶黄旗 29正镶白旗 30正蓝旗 31多伦县 71乌拉盖管理区管委会
1529 21阿拉善左旗 22阿拉善右旗 23额济纳旗 71内蒙古阿拉善高新技术产业开发区
"""


def _counties() -> dict[str, str]:
    made: dict[str, str] = {}
    league = ""
    for word in _COUNTIES.split():
        if len(word) == 4 and word.isdigit():
            league = word
        else:
            made[league + word[:2]] = word[2:]
    return made


COUNTIES: Mapping[str, str] = MappingProxyType(_counties())
DIVISIONS: Mapping[str, str] = MappingProxyType({REGION: "内蒙古自治区", **LEAGUES, **COUNTIES})


def is_known(division: str) -> bool:
    """Whether `division`, of 6, 9 or 12 digits, lies in the region as far as this table goes."""
    return division.isdigit() and len(division) in (6, 9, 12) and division[:6] in DIVISIONS


def territory(division: str) -> str:
    """The digits that all divisions within `division` begin with: 150700 is "1507", 150000 "15"."""
    digits = division[:6]
    while len(digits) > 2 and digits.endswith("00"):
        digits = digits[:-2]
    return digits + division[6:] if len(division) > 6 else digits


def is_within(division: str, other: str) -> bool:
    """Whether `division` is `other` or lies in it."""
    return territory(division).startswith(territory(other))


def overlap(one: str, other: str) -> bool:
    """Whether one of two divisions lies within the other."""
    first, second = territory(one), territory(other)
    return first.startswith(second) or second.startswith(first)


def league_of(party: str) -> str:
    """The code of the league or city (盟市) that a party belongs to; empty for the region's own."""
    code = f"{party[1:5]}00"
    return code if code in LEAGUES else ""
