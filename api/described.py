"""The description of the interface (OpenAPI): every error with examples, and an example for every request and answer.

Examples are given once, at the fields of the models; those of whole requests and answers are put together from them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.people.access import CSRF_HEADER
from api.people.sessions import COOKIE
from api.problems import HTTP_PROBLEMS, MEDIA_TYPE, PROBLEMS, TYPE_PREFIX, Kind
from api.schemas import ProblemOut

Answers = dict[int | str, dict[str, Any]]

ALWAYS = (401, 403, 421, 422, 503)
"""What every operation for those who have signed in can answer, beside what is its own."""

SIGNED_IN = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token of a program."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": f"The session of a person; a change also carries {CSRF_HEADER}, the word that our pages know.",
    },
}
"""The two ways to say who asks."""

_JSON = "application/json"
_PROBLEM = {"$ref": "#/components/schemas/ProblemOut"}
_EXTRA: dict[str, dict[str, Any]] = {
    "facts": {"errors": [{"field": "end", "code": "end_missing", "detail": "A planned outage has no end. Say until when."}]},
    "request": {"errors": [{"field": "body.reason", "code": "missing", "detail": "Field required"}]},
    "stale": {"newer": {"id": "20260501-K7QM", "revision": 3, "status": "approved", "changed_at": "2026-04-22T01:05:00+00:00"}},
}


def problems(*statuses: int) -> Answers:
    """Return the error answers of an operation: those with ``statuses``, and those that every operation has."""
    return public_problems(*ALWAYS, *statuses)


def public_problems(*statuses: int) -> Answers:
    """Return the error answers with ``statuses`` and no others."""
    return {status: _answer(status) for status in sorted(set(statuses))}


def _answer(status: int) -> dict[str, Any]:
    kinds = [kind for kind in (*PROBLEMS.values(), *HTTP_PROBLEMS.values()) if kind.status == status]
    says = "; ".join(f"{kind.code}: {kind.title}" for kind in kinds)
    examples = {kind.code: {"summary": kind.title, "value": _problem(kind)} for kind in kinds}
    return {
        "model": ProblemOut,
        "description": f"{HTTPStatus(status).phrase}. {says}.",
        "content": {_JSON: {"examples": examples}},
    }


def _problem(kind: Kind) -> dict[str, Any]:
    return {
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": f"{kind.title}. {kind.advice}",
        "instance": "/api/v1/outages",
        **_EXTRA.get(kind.code, {}),
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of ``app``, made once: errors as application/problem+json, examples put together."""
    if app.openapi_schema is None:
        described = FastAPI.openapi(app)
        models = described.get("components", {}).get("schemas", {})
        described["components"]["securitySchemes"] = SIGNED_IN
        for path in described["paths"].values():
            for operation in path.values():
                _complete(operation, models)
    return app.openapi_schema or {}


def _complete(operation: dict[str, Any], models: dict[str, Any]) -> None:
    _exemplify(operation.get("requestBody", {}), models)
    if "401" in operation["responses"]:
        operation["security"] = [{name: []} for name in SIGNED_IN]
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _as_text(parameter["schema"])
    for answer in operation["responses"].values():
        content = answer.get("content", {})
        if content.get(_JSON, {}).get("schema") == _PROBLEM:
            answer["content"] = {MEDIA_TYPE: content[_JSON]}
        else:
            _exemplify(answer, models)


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what stands in an address or a header: it is left out there, and never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _exemplify(body: dict[str, Any], models: dict[str, Any]) -> None:
    for media_type, content in body.get("content", {}).items():
        if media_type.endswith("json") and content.get("schema"):
            content.setdefault("example", example_of(content["schema"], models))


def example_of(schema: dict[str, Any], models: dict[str, Any]) -> Any:
    """Return an example of ``schema``: its own, else one put together from those of its parts.

    >>> example_of({"type": "object", "properties": {"a": {"examples": [1]}, "b": {"type": "array", "items": {"const": 2}}}}, {})
    {'a': 1, 'b': [2]}
    """
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(models[schema["$ref"].rpartition("/")[2]], models)
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], models)
    if schema.get("type") == "array":
        return [example_of(schema["items"], models)] if schema.get("items") else []
    return {name: example_of(part, models) for name, part in schema.get("properties", {}).items()}
