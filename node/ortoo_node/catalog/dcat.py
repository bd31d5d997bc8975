"""The catalog in DCAT 3, as JSON-LD: for catalogs of other kinds, CKAN before all.

CKAN's harvester (ckanext-dcat, `dcat_rdf`) fetches one document, takes every `dcat:Dataset` in it
by its address, and goes on by `hydra:next` of a `hydra:PagedCollection`; what it once had and no
longer finds it deletes. So addresses are stable, and the last page has no next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from ortoo_node.catalog.sheets.values import CHINA
from ortoo_protocol.core.catalog import Entry, Item, divisions, elements

PAGE_ENTRIES = 100
_AUTHORITY = "http://publications.europa.eu/resource/authority/"
CONTEXT: Mapping[str, str] = MappingProxyType(
    {
        "adms": "http://www.w3.org/ns/adms#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "hydra": "http://www.w3.org/ns/hydra/core#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "schema": "http://schema.org/",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
)
_FREQUENCIES = {
    "实时": "CONT",
    "每日": "DAILY",
    "每周": "WEEKLY",
    "每月": "MONTHLY",
    "每季度": "QUARTERLY",
    "每半年": "ANNUAL_2",
    "每年": "ANNUAL",
}
_RIGHTS = {1: "PUBLIC", 2: "RESTRICTED", 3: "NON_PUBLIC"}
Node = dict[str, Any]


@dataclass(frozen=True)
class About:
    """Whose catalog it is. `base`: where its addresses begin, a web address or a ``urn:``."""

    base: str
    title: str
    publisher: str
    publisher_code: str = ""

    def address(self, kind: str, name: str = "") -> str:
        web = "://" in self.base
        parts = (self.base.rstrip("/") if web else self.base.rstrip(":"), kind)
        named = (*parts, quote(name, safe="")) if name else parts
        return ("/" if web else ":").join(named)


def document(entries: Iterable[Entry], about: About) -> Node:
    """The whole catalog as one document."""
    return {"@context": dict(CONTEXT), "@graph": [_catalog(entries, about)]}


def page(entries: Iterable[Entry], about: About, size: int, after: str, following: str) -> Node:
    """The entries behind code `after`, `size` at most; `following`: the code that the next page is
    behind, empty for the last. Where a page begins does not change when others come in between, so
    nothing is passed over or taken twice by who reads slowly."""
    here = _address(about, size, after)
    collection: Node = {"@id": here, "@type": "hydra:PagedCollection", "hydra:itemsPerPage": size}
    _link(collection, "first", _address(about, size, ""))
    if following:
        _link(collection, "next", _address(about, size, following))
    return {"@context": dict(CONTEXT), "@graph": [_catalog(entries, about), collection]}


def _address(about: About, size: int, after: str) -> str:
    asked = {"size": str(size), **({"after": after} if after else {})}
    return f"{about.address('catalog.jsonld')}?{urlencode(asked)}"


def _link(collection: Node, name: str, address: str) -> None:
    """In both spellings, as texts: older harvesters know the second alone."""
    collection[f"hydra:{name}"] = collection[f"hydra:{name}Page"] = address


def _catalog(entries: Iterable[Entry], about: About) -> Node:
    return {
        "@id": about.address("catalog"),
        "@type": "dcat:Catalog",
        "dct:title": _chinese(about.title),
        "dct:language": {"@id": f"{_AUTHORITY}language/ZHO"},
        "dct:publisher": _agent(about, about.publisher, about.publisher_code),
        "dcat:dataset": [dataset(entry, about) for entry in entries],
    }


def dataset(entry: Entry, about: About) -> Node:
    """One resource."""
    this = about.address("dataset", entry.code)
    titles = [_chinese(entry.name)]
    if entry.name_en:
        titles.append({"@value": entry.name_en, "@language": "en"})
    node: Node = {
        "@id": this,
        "@type": "dcat:Dataset",
        "dct:identifier": entry.code,
        "dct:title": titles,
        "dct:description": _chinese(entry.abstract),
        "dct:publisher": _agent(about, entry.department_name, entry.department),
        "dct:accessRights": {"@id": f"{_AUTHORITY}access-right/{_RIGHTS[entry.share_type]}"},
        "dct:rights": _labelled("dct:RightsStatement", "".join(_rights(entry))),
        "dct:accrualPeriodicity": {
            "@id": f"{_AUTHORITY}frequency/{_FREQUENCIES.get(entry.cycle, 'OTHER')}"
        },
        "dct:language": {"@id": f"{_AUTHORITY}language/ZHO"},
        "dct:spatial": _place(entry),
        "dcat:version": str(entry.version),
        "owl:versionInfo": str(entry.version),
        "dcat:keyword": [_chinese(word) for word in _keywords(entry)],
        "dcat:distribution": list(_distributions(entry, this)),
        "schema:variableMeasured": [_variable(item) for item in entry.items],
    }
    if entry.published_ms:
        node["dct:issued"] = _day(entry.published_ms)
    if entry.related:
        node["dct:relation"] = [{"@id": about.address("dataset", code)} for code in entry.related]
    if entry.source_system:
        node["dct:provenance"] = _labelled("dct:ProvenanceStatement", entry.source_system)
    return node


def _rights(entry: Entry) -> Iterator[str]:
    yield elements.SHARE_TYPES[entry.share_type]
    if entry.share_condition:
        yield f"；条件：{entry.share_condition}"
    if entry.basis:
        yield f"；依据：{entry.basis}"
    if entry.purposes:
        yield f"；用途：{'、'.join(entry.purposes)}"


def _keywords(entry: Entry) -> list[str]:
    kind = elements.CATALOG_TYPES.get(entry.code[:1], "")
    words = (kind, entry.department_name, *entry.related_classes)
    return list(dict.fromkeys(word for word in words if word))


def _distributions(entry: Entry, this: str) -> Iterator[Node]:
    """One for each mode; how to get it is said at the resource's own address."""
    for number, mode in enumerate(entry.modes or ("",), 1):
        form = entry.format_type or elements.FORMAT_CLASSES.get(entry.format_class, "")
        yield {
            "@id": f"{this}#distribution-{number}",
            "@type": "dcat:Distribution",
            "dct:title": _chinese(mode or entry.name),
            "dct:format": _labelled("dct:MediaTypeOrExtent", form),
            "dcat:accessURL": {"@id": this},
        }


def _variable(item: Item) -> Node:
    size = f"({item.length})" if item.length else ""
    node: Node = {
        "@type": "schema:PropertyValue",
        "schema:name": _chinese(item.name),
        "schema:alternateName": item.column,
        "schema:valueReference": f"{item.type}{size}",
    }
    if item.remark:
        node["schema:description"] = _chinese(item.remark)
    return node


def _agent(about: About, name: str, code: str) -> Node:
    agent: Node = {"@type": "foaf:Agent", "foaf:name": _chinese(name)}
    if code:
        agent |= {"@id": about.address("organisation", code), "dct:identifier": code}
    return agent


def _place(entry: Entry) -> Node:
    division = entry.department[2:8]
    return {
        "@type": "dct:Location",
        "dct:identifier": division,
        "skos:prefLabel": _chinese(divisions.DIVISIONS.get(division, division)),
    }


def _labelled(kind: str, text: str) -> Node:
    return {"@type": kind, "rdfs:label": _chinese(text)}


def _chinese(text: str) -> Node:
    return {"@value": text, "@language": "zh"}


def _day(ms: int) -> Node:
    day = datetime.fromtimestamp(ms / 1000, CHINA).date().isoformat()
    return {"@value": day, "@type": "xsd:date"}
