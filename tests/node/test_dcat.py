"""DCAT and the national platform's form, of the real catalog; read as CKAN's harvester reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import rdflib
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF

from ortoo_node.catalog import dcat, national
from ortoo_node.catalog.sheets.reading import read
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.intake import as_entry

# rdflib warns of what its own JSON-LD parser uses.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
REAL = Path(__file__).parents[2] / "deploy/ortoo_demo/data/inner-mongolia-catalog.csv"
HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
ABOUT = dcat.About("https://data.example/catalog/", "政务信息资源目录", "呼伦贝尔市")
SIZE = 100


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    known = {"provider": "s150700", "feed": "s150700.x", "version": 3, "office": "信息中心"}
    drafts = read(REAL, lambda _: ()).drafts
    made = [as_entry({**draft.fields, **known}) for draft in drafts]
    return sorted(made, key=lambda entry: entry.code)


def parsed(document: dict[str, Any]) -> rdflib.Graph:
    """Through bytes, as it travels."""
    graph = rdflib.Graph()
    graph.parse(data=msgspec.json.encode(document).decode(), format="json-ld")
    return graph


class Harvester:
    """What ckanext-dcat's `dcat_rdf` does in its gather stage (harvesters/rdf.py, processors.py):
    parse a page, take each dataset by its address, go on by hydra:next, else hydra:nextPage; stop
    at a page with the content of the first."""

    def __init__(self, served: dict[str, list[Entry]]) -> None:
        self._served = served
        self.asked: list[str] = []

    def gather(self, url: str) -> Iterator[tuple[rdflib.Graph, Any]]:
        following: str | None = url
        first = b""
        while following:
            content = self._get(following)
            digest = hashlib.md5(content, usedforsecurity=False).digest()
            assert digest != first, "CKAN would stop here"
            first = first or digest
            graph = rdflib.Graph()
            graph.parse(data=content.decode(), format="json-ld")
            for dataset in graph.subjects(RDF.type, DCAT.Dataset):
                yield graph, dataset
            following = self._next(graph)

    def _get(self, url: str) -> bytes:
        self.asked.append(url)
        asked = parse_qs(urlsplit(url).query)
        after = asked.get("after", [""])[0]
        size = int(asked.get("size", [str(SIZE)])[0])
        behind = [entry for entry in self._served["all"] if entry.code > after]
        following = behind[size - 1].code if len(behind) > size else ""
        return msgspec.json.encode(dcat.page(behind[:size], ABOUT, size, after, following))

    @staticmethod
    def _next(graph: rdflib.Graph) -> str | None:
        for node in graph.subjects(RDF.type, HYDRA.PagedCollection):
            for predicate in (HYDRA.next, HYDRA.nextPage):
                for found in graph.objects(node, predicate):
                    return str(found)
        return None


def test_ckan_takes_every_entry_once(entries: list[Entry]) -> None:
    harvester = Harvester({"all": entries})
    found = [
        (str(dataset), str(graph.value(dataset, DCTERMS.identifier)))
        for graph, dataset in harvester.gather("https://data.example/catalog/catalog.jsonld")
    ]
    assert sorted(code for _, code in found) == [entry.code for entry in entries]
    assert len({address for address, _ in found}) == len(entries) == 400
    assert len(harvester.asked) == 4


def test_what_ckan_reads_of_a_dataset(entries: list[Entry]) -> None:
    entry = next(each for each in entries if each.name == "婚姻登记信息")
    graph = parsed(dcat.document([entry], ABOUT))
    (this,) = graph.subjects(RDF.type, DCAT.Dataset)
    assert str(this) == f"https://data.example/catalog/dataset/{entry.code.replace('/', '%2F')}"
    assert graph.value(this, DCTERMS.title) == rdflib.Literal("婚姻登记信息", "zh")
    assert graph.value(this, DCTERMS.description) == rdflib.Literal(entry.abstract, "zh")
    assert str(graph.value(this, DCTERMS.accrualPeriodicity)).endswith("frequency/DAILY")
    assert str(graph.value(this, DCTERMS.accessRights)).endswith("access-right/RESTRICTED")
    publisher = graph.value(this, DCTERMS.publisher)
    assert str(graph.value(publisher, FOAF.name)) == entry.department_name
    assert str(graph.value(publisher, DCTERMS.identifier)) == entry.department
    ways = list(graph.objects(this, DCAT.distribution))
    assert len(ways) == len(entry.modes)
    for way in ways:
        assert graph.value(way, DCAT.accessURL) == this
        assert (way, RDF.type, DCAT.Distribution) in graph
    variables = rdflib.URIRef("http://schema.org/variableMeasured")
    assert len(list(graph.objects(this, variables))) == len(entry.items)
    day = graph.value(this, DCTERMS.issued)
    assert str(day).startswith("2026-")
    catalog = graph.value(None, RDF.type, DCAT.Catalog)
    assert (catalog, DCAT.dataset, this) in graph


def test_addresses_without_the_web_are_urns(entries: list[Entry]) -> None:
    graph = parsed(dcat.document(entries[:1], dcat.About("urn:ortoo:catalog", "目录", "某市")))
    (this,) = graph.subjects(RDF.type, DCAT.Dataset)
    assert str(this) == "urn:ortoo:catalog:dataset:" + entries[0].code.replace("/", "%2F")


def test_related_entries_are_related(entries: list[Entry]) -> None:
    entry = next(each for each in entries if each.related)
    graph = parsed(dcat.document([entry], ABOUT))
    (this,) = graph.subjects(RDF.type, DCAT.Dataset)
    related = {str(each) for each in graph.objects(this, DCTERMS.relation)}
    assert related == {ABOUT.address("dataset", code) for code in entry.related}


def test_the_last_page_has_no_next(entries: list[Entry]) -> None:
    page = dcat.page(entries[:5], ABOUT, 5, "", "")
    assert "hydra:next" not in page["@graph"][1]
    page = dcat.page([], ABOUT, 5, entries[-1].code, "")
    assert page["@graph"][0]["dcat:dataset"] == []


# --- the national platform ----------------------------------------------------------------------

GUIDE = [
    *("信息资源分类", "信息资源名称", "信息资源代码", "信息资源提供方", "信息资源提供方代码"),
    *("信息资源摘要", "信息资源格式", "信息项信息", "共享属性", "开放属性", "更新周期", "发布日期"),
    "关联资源代码",
]


def test_the_guides_elements_in_their_order(entries: list[Entry]) -> None:
    document = national.document(entries, "呼伦贝尔市")
    assert document["资源数量"] == len(document["信息资源"]) == 400
    for each in document["信息资源"]:
        assert list(each)[: len(GUIDE)] == GUIDE


def test_an_element_says_what_the_guide_wants(entries: list[Entry]) -> None:
    entry = next(each for each in entries if each.name == "婚姻登记信息")
    made = national.elements(entry)
    assert made["信息资源分类"] == {"类": "3", "项": "07", "目": "001", "细目": entry.code[6:12]}
    assert made["信息资源提供方"] == {"部门名称": entry.department_name, "内设机构": "信息中心"}
    assert made["共享属性"]["共享类型"] == "有条件共享"
    assert [each["共享方式分类"] for each in made["共享属性"]["共享方式"]] == list(entry.modes)
    assert made["开放属性"] == {"是否向社会开放": "否", "开放条件": ""}
    first = made["信息项信息"][0]
    assert (first["数据类型"], first["共享类型"]) == ("字符型C", "有条件共享")


def test_more_kinds_than_modes_and_fewer(entries: list[Entry]) -> None:
    entry = msgspec.structs.replace(entries[0], modes=("系统对接", "前置机"), share_kinds=("库",))
    ways = national.elements(entry)["共享属性"]["共享方式"]
    assert [each["共享方式类型"] for each in ways] == ["库", ""]
