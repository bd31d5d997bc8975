"""The OpenAPI document: whole, and true: requests made from it, fitting ones and others, are
answered as it says, and never with a defect."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ortoo_node.interfaces import Http
from tests.node.api_kit import add_entry, bearer, open_station, serving
from tests.support.stations import Kit

EXAMPLES = 2  # an operation and mode: what is not of one kind fails at the first
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCOPES = (
    "catalog:read", "catalog:write", "request:read", "request:write", "grant:read", "push:*",
    "subscription:read", "subscription:write", "pull:*", "query:*", "file:*", "correction:read",
    "correction:write", "journal:read",
)  # fmt: skip


@pytest.mark.timeout(300)
async def test_what_it_says_is_so(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    http = Http(port=0, calls_a_minute=1_000_000, calls_at_once=100_000)
    node = open_station(kit, http=http)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, *SCOPES)
        document = (await client.get("/openapi.json")).json()
        base = str(client.base_url).removesuffix("/api/v1/")
        tried = await asyncio.to_thread(_try, document, base, token)
    operations = [method for path in document["paths"].values() for method in path]
    assert tried == len(operations) > 50


def _try(document: dict[str, Any], base: str, token: dict[str, str]) -> int:
    """Every operation, with what fits the document and with what does not."""
    schema = schemathesis.openapi.from_dict(document)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        tried += 1
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=(Phase.explicit, Phase.generate),
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Case) -> None:
                case.call_and_validate(base_url=base, headers=token, checks=CHECKS, timeout=20)

            ask()
    return tried


def test_without_http_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, ortoo_node.daemon, ortoo_node.cli;"
        "sys.exit(bool({'fastapi', 'pydantic', 'uvicorn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_every_operation_tells_its_errors(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        answer = await client.get("/openapi.json")
        document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in document["components"]["schemas"]
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None and "$ref" in body["schema"]:
                name = body["schema"]["$ref"].rpartition("/")[2]
                schema = {**schemas[name], "components": document["components"]}
                jsonschema_rs.validator_for(schema).validate(schemas[name]["example"])
        assert path.startswith("/api/v1/")
        for operation in operations.values():
            assert operation["summary"]
            for status in ("401", "403", "404", "422", "429"):
                content = operation["responses"][status]["content"]
                assert set(content) == {"application/problem+json"}
