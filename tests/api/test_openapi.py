"""The description of the interface is whole and true: every operation, every error, and examples that do what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from api import asked, notice_schemas, schemas
from api.app import create_app
from api.asked import OutageClass, Step
from api.described import example_of
from api.intake import load_network
from api.lists import COLUMNS, CONTACT
from api.problems import PROBLEMS
from api.schemas import ContactOut, CustomerOut, Status, StatusNow, When
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from outages import lifecycle
from outages.events import EVENT_KINDS
from outages.facts import OUTAGE_CLASSES
from outages.store import open_store
from tests.api.signed import new_client, sign_in
from tests.api.town import NOW

JSON, PROBLEM = "application/json", "application/problem+json"
OUTAGES = "/api/v1/outages"
NOTICES = "/api/v1/notices"
MAY_CONFLICT = ("/notice", "/notices", "/to-call", "/acknowledgements")
"""How addresses end that answer 409 though they take no revision: the network or the notice may not allow it."""

Described = dict[str, Any]
Operation = tuple[str, str, Described]

PATHS = {
    OUTAGES: {"get", "post"},
    f"{OUTAGES}/preview": {"post"},
    f"{OUTAGES}/{{outage_id}}": {"get", "put"},
    f"{OUTAGES}/{{outage_id}}/transitions": {"post"},
    f"{OUTAGES}/{{outage_id}}/revisions/{{revision}}": {"get"},
    f"{OUTAGES}/{{outage_id}}/diff": {"get"},
    f"{OUTAGES}/{{outage_id}}/conflicts": {"get"},
    f"{OUTAGES}/{{outage_id}}/notice": {"get"},
    f"{OUTAGES}/{{outage_id}}/affected": {"get"},
    f"{OUTAGES}/{{outage_id}}/affected.csv": {"get"},
    f"{OUTAGES}/{{outage_id}}/affected.geojson": {"get"},
    f"{OUTAGES}/{{outage_id}}/affected.gpkg": {"get"},
    f"{OUTAGES}/{{outage_id}}/notices": {"post"},
    NOTICES: {"get"},
    f"{NOTICES}/{{notice_id}}": {"get"},
    f"{NOTICES}/{{notice_id}}/texts/{{key}}": {"put"},
    f"{NOTICES}/{{notice_id}}/transitions": {"post"},
    f"{NOTICES}/{{notice_id}}/messages": {"get"},
    f"{NOTICES}/{{notice_id}}/messages/{{position}}/proofs": {"get"},
    f"{NOTICES}/{{notice_id}}/messages/retry": {"post"},
    f"{NOTICES}/{{notice_id}}/messages/give-up": {"post"},
    f"{NOTICES}/{{notice_id}}/to-call": {"get"},
    f"{NOTICES}/{{notice_id}}/acknowledgements": {"post"},
    "/api/v1/devices": {"get"},
    "/api/v1/devices/{device_id}": {"get"},
    "/api/v1/devices/{device_id}/isolation": {"get"},
    "/api/v1/ties": {"post"},
}
"""The operations for those who have signed in."""

FEEDS = {
    "/api/v1/public/outages.atom": {"421", "429"},
    "/api/v1/public/outages.ics": {"421", "429"},
    "/api/v1/public/outages.json": {"421", "429"},
    "/api/v1/public/alerts/{identifier}.xml": {"404", "421", "422", "429"},
}
"""Documents in forms of their own, which are read back by others (test_feeds_routes), and the errors that each can give."""

BESIDE = {
    **FEEDS,
    "/api/v1/stream": {"401", "403", "421", "422", "503"},
    "/metrics": {"401", "403", "421", "422", "503"},
    "/health/live": {"421"},
    "/health/ready": {"421", "503"},
    "/api/v1/public/outages.geojson": {"421", "429"},
    "/api/v1/public/places.geojson": {"421", "429"},
}
"""The others, all GET, and the errors that each can give."""

EVERYTHING = {**PATHS, **{path: {"get"} for path in BESIDE}}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Somebody from the control room of the demonstration's town."""
    folder = tmp_path_factory.mktemp("openapi")
    town = Path(__file__).parents[2] / "examples" / "urban.gpkg"
    settings = Settings(network=str(town), store=f"sqlite:///{folder}/outages.db", hosts=("testserver",))
    service = Service(load_network(str(town)), open_store(settings.store), utility_of(settings))
    with TestClient(create_app(service, settings, lambda: NOW), raise_server_exceptions=False) as client:
        yield sign_in(client, "control")
    service.close()


@pytest.fixture(scope="module")
def described(demo: TestClient) -> Described:
    found: Described = demo.app.openapi()  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module")
def operations(described: Described) -> list[Operation]:
    return [(method, path, described["paths"][path][method]) for path, methods in EVERYTHING.items() for method in methods]


def _validator(described: Described, schema: Described) -> jsonschema_rs.Draft202012Validator:
    whole = {**schema, "components": described["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _answers(operations: list[Operation]) -> Iterator[tuple[str, str, Described]]:
    for method, path, operation in operations:
        for status, answer in operation["responses"].items():
            yield f"{method} {path} {status}", status, answer


def test_every_path_of_the_interface_is_described(described: Described) -> None:
    assert {path: set(methods) for path, methods in described["paths"].items()} == EVERYTHING


def test_every_operation_has_a_title_a_description_and_a_group(operations: list[Operation]) -> None:
    for method, path, operation in operations:
        assert operation["summary"], (method, path)
        assert len(operation["description"]) > 20, (method, path)
        assert len(operation["tags"]) == 1, (method, path)
    names = [operation["summary"] for _, _, operation in operations]
    assert len(set(names)) == len(names)


def test_every_operation_lists_every_error_that_it_can_give(operations: list[Operation]) -> None:
    for method, path, operation in operations:
        told = {status for status in operation["responses"] if status.isdigit() and int(status) >= 400}
        expected = {"401", "403", "421", "422", "503"}
        expected |= {"404"} if "{" in path else set()
        expected |= {"400", "413"} if "requestBody" in operation else set()
        takes_seen = any(one["name"] == "if-match" for one in operation.get("parameters", []))
        conflicts = takes_seen or "/affected" in path or (path != NOTICES and path.endswith(MAY_CONFLICT))
        expected |= {"409"} if conflicts else set()
        assert told == BESIDE.get(path, expected), (method, path)


def test_whoever_has_to_sign_in_is_told_how(described: Described, operations: list[Operation]) -> None:
    ways = described["components"]["securitySchemes"]
    assert {name: way["type"] for name, way in ways.items()} == {"token": "http", "session": "apiKey"}
    for method, path, operation in operations:
        public = path.startswith(("/health/", "/api/v1/public/"))
        assert operation.get("security") == (None if public else [{"token": []}, {"session": []}]), (method, path)


def test_what_stands_in_an_address_or_a_header_is_never_null(operations: list[Operation]) -> None:
    for method, path, operation in operations:
        for parameter in operation.get("parameters", []):
            assert "null" not in json.dumps(parameter["schema"]), (method, path, parameter["name"])


def test_that_nothing_works_is_no_problem_document_but_the_report_itself(described: Described) -> None:
    answer = described["paths"]["/health/ready"]["get"]["responses"]["503"]
    assert answer["content"][JSON]["schema"] == {"$ref": "#/components/schemas/ReadinessOut"}


def test_every_error_is_a_problem_document_with_examples_of_each_kind(described: Described, operations: list[Operation]) -> None:
    for name, status, answer in _answers(operations):
        if status.startswith("2") or name == "get /health/ready 503":
            continue
        assert set(answer["content"]) == {PROBLEM}, name
        content = answer["content"][PROBLEM]
        if status == "default":
            continue
        kinds = {kind.code for kind in PROBLEMS.values() if kind.status == int(status)}
        assert kinds <= set(content["examples"]), name
        for example in content["examples"].values():
            _validator(described, content["schema"]).validate(example["value"])
            assert example["value"]["status"] == int(status)
    assert "HTTPValidationError" not in json.dumps(described)


def test_every_request_and_every_answer_has_an_example_that_fits_its_schema(
    described: Described, operations: list[Operation]
) -> None:
    for name, status, answer in _answers(operations):
        if not status.startswith("2"):
            continue
        for media_type, content in answer["content"].items():
            if media_type != "application/geopackage+sqlite3":
                assert "example" in content, name
            if media_type == JSON:
                _validator(described, content["schema"]).validate(content["example"])
    for method, path, operation in operations:
        if "requestBody" in operation:
            content = operation["requestBody"]["content"][JSON]
            assert content["example"], (method, path)
            _validator(described, content["schema"]).validate(content["example"])


def test_every_field_is_explained_by_an_example_and_every_model_is_closed(described: Described) -> None:
    ours = {
        name for module in (asked, schemas, notice_schemas) for name, value in vars(module).items() if isinstance(value, type)
    } - {"ProblemOut"}
    models = {name: model for name, model in described["components"]["schemas"].items() if name in ours}
    assert {"EnterIn", "OutageDetailOut", "IsolationOut"} <= set(models)
    for name, model in models.items():
        assert model["additionalProperties"] is False, name
        for field, schema in model["properties"].items():
            assert "examples" in schema or "$ref" in json.dumps(schema), f"{name}.{field}"


def test_every_example_request_does_what_the_description_says(
    demo: TestClient, described: Described, operations: list[Operation]
) -> None:
    """On the demonstration's town each answers 2xx, or an error that is described for it."""
    desk = new_client(demo.app, "desk")  # type: ignore[arg-type]
    for method, path, operation in operations:
        if path in BESIDE:
            continue  # none takes anything; a stream does not end, and metrics are not for control
        given = {one["name"]: one["schema"].get("examples", [None])[0] for one in operation.get("parameters", [])}
        where = {one["name"]: one["in"] for one in operation.get("parameters", [])}
        sent: dict[str, Any] = {"params": {}, "headers": {}}
        for name, value in given.items():
            if value is not None and where[name] in ("query", "header"):
                sent["params" if where[name] == "query" else "headers"][name] = value
        if "requestBody" in operation:
            sent["json"] = operation["requestBody"]["content"][JSON]["example"]
        address = path.format(**{name: value for name, value in given.items() if where[name] == "path"})
        answer = (desk if "/notices" in path else demo).request(method.upper(), address, **sent)
        told = operation["responses"]
        assert str(answer.status_code) in told, (method, path, answer.text)
        assert answer.status_code in (200, 201, 404), (method, path, answer.text)
        if answer.status_code in (200, 201) and answer.headers["content-type"] == JSON:
            schema = told[str(answer.status_code)]["content"][JSON]["schema"]
            _validator(described, schema).validate(answer.json())


@pytest.mark.parametrize("path", [path for path in BESIDE if path not in ("/api/v1/stream", "/metrics", *FEEDS)])
def test_what_everybody_may_ask_for_is_answered_as_described(demo: TestClient, described: Described, path: str) -> None:
    demo.post(OUTAGES, json=described["paths"][OUTAGES]["post"]["requestBody"]["content"][JSON]["example"])
    answer = demo.get(path)
    assert answer.status_code == 200
    content = described["paths"][path]["get"]["responses"]["200"]["content"]
    assert answer.headers["content-type"] in content
    shown = content[answer.headers["content-type"]]
    for value in (answer.json(), shown["example"]):
        _validator(described, shown["schema"]).validate(value)
    assert set(answer.json()) == set(shown["example"])


def test_the_example_outage_goes_through_its_life_and_each_answer_fits_its_schema(demo: TestClient, described: Described) -> None:
    """The addresses that name an outage, with one that is there."""
    body = described["paths"][OUTAGES]["post"]["requestBody"]["content"][JSON]["example"]
    outage = demo.post(OUTAGES, json=body).json()
    for path in (one for one in PATHS if "{outage_id}" in one and "get" in PATHS[one]):
        operation = described["paths"][path]["get"]
        address = path.format(outage_id=outage["id"], revision=1)
        answer = demo.get(address, params={"from": 1} if path.endswith("diff") else {})
        assert answer.status_code == 200, (path, answer.text)
        if answer.headers["content-type"] == JSON:
            _validator(described, operation["responses"]["200"]["content"][JSON]["schema"]).validate(answer.json())


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (OutageClass, set(OUTAGE_CLASSES)),
        (Step, set(EVENT_KINDS) - {"entered", "revised"}),
        (Status, set(lifecycle.TRANSITIONS) - {lifecycle.NEW}),
        (When, set(get_args(lifecycle.When))),
        (StatusNow, {"planned", "out", "partial", "restored"}),
    ],
)
def test_the_words_of_the_interface_are_those_of_the_domain(words: Any, known: set[str]) -> None:
    assert set(get_args(words)) == known


def test_a_customer_has_the_columns_of_the_list() -> None:
    assert set(CustomerOut.model_fields) == set(COLUMNS)
    assert set(ContactOut.model_fields) == {*COLUMNS, *CONTACT}


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"examples": [None]}, None),
        ({"$ref": "#/components/schemas/A"}, {"b": 7}),
        ({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]}, {"b": 7}),
        ({"type": "array", "items": {"const": "x"}}, ["x"]),
        ({"type": "array"}, []),
        ({"type": "object", "properties": {}}, {}),
    ],
)
def test_examples_are_put_together_from_those_of_the_fields(schema: Described, example: Any) -> None:
    models = {"A": {"type": "object", "properties": {"b": {"type": "integer", "examples": [7]}}}}
    assert example_of(schema, models) == example
