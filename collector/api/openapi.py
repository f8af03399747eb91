"""OpenAPI 3.1 out of the table of operations and the types that they speak."""

from collections.abc import Sequence
from typing import Any

import msgspec

from collector.api.answers import ActBody
from collector.api.calls import Operation
from collector.problems import MEDIA_TYPE, Problem

_REFERENCE = "#/components/schemas/{name}"
_PROBLEMS = {
    "400": "A parameter, the cursor or the body is wrong; `detail` names it",
    "401": "No valid token",
    "403": "The token's role may not do this",
}


def document(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    answers = [operation.answer for operation in operations]
    _, schemas = msgspec.json.schema_components(
        [*dict.fromkeys((*answers, *_bodies(operations), ActBody, Problem))],
        ref_template=_REFERENCE,
    )
    paths: dict[str, Any] = {"/events": {"get": _events()}}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Wardwatch", "version": version},
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _bodies(operations: Sequence[Operation]) -> list[type[ActBody]]:
    return [operation.body for operation in operations if operation.takes_body]


def _described(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation)],
        "responses": {
            "200": {"description": "Done", "content": _json(operation.answer)},
            **{status: _problem(text) for status, text in _PROBLEMS.items()},
        },
    }
    if "{id}" in operation.path:
        told["responses"]["404"] = _problem("There is nothing of this id")
    if operation.takes_body:
        told["requestBody"] = {"required": False, "content": _json(operation.body)}
        told["responses"]["409"] = _problem(
            "The step does not fit the case's state, or another policy is in force by now"
        )
        told["responses"]["503"] = _problem("Recorded, but it has not taken effect yet")
    return told


def _events() -> dict[str, Any]:
    listened = {"description": "`event: changed`", "content": {"text/event-stream": {}}}
    return {
        "operationId": "events",
        "summary": "Server-sent events: which cases and endpoints changed",
        "responses": {
            "200": listened,
            **{status: _problem(text) for status, text in _PROBLEMS.items()},
        },
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    if "{id}" not in path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    (reference,), parts = msgspec.json.schema_components([operation.query], ref_template="{name}")
    properties = parts[reference["$ref"]].get("properties", {})
    return [
        {"name": name, "in": "query", "required": False, "schema": _inlined(schema, parts)}
        for name, schema in properties.items()
    ]


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    """The schema with the enumerations that it refers to in place; absence is said by
    leaving a parameter out, so `null` is no value of it.
    """
    if "$ref" in schema:
        return {k: v for k, v in parts[schema["$ref"]].items() if k not in ("title", "description")}
    if "anyOf" not in schema:
        return schema
    kinds = [_inlined(one, parts) for one in schema["anyOf"] if one != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _json(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=kind.__name__)}}}


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name=Problem.__name__)}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def _name(operation: Operation) -> str:
    words = operation.path.replace("/{id}", " one").replace("/", " ").split()
    return "_".join([operation.method.lower(), *words])
