"""The interface against its own description: whatever is sent, by whomever, is answered as the description says.

Schemathesis makes requests out of the description: its examples, every bound of every field and what lies just beyond it, drawn
ones, and chains in which one answer is asked for by the next request. They are the same in every run.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.case import Case
from schemathesis.python.asgi import shutdown_lifespans
from starlette.testclient import TestClient

from api.app import create_app
from api.people.roles import ROLES, TOKEN_PERMISSIONS
from api.problems import TYPE_PREFIX
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from outages.events import Entered
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.store import open_store
from tests.api.people.test_access import ANYONE, EXPECTED
from tests.api.signed import machine, new_client
from tests.api.town import NOW, make_town
from tests.postgres import Cluster
from topology.network import Network, build_network

OUTAGES, STREAM = "/api/v1/outages", "/api/v1/stream"
HOUR = timedelta(hours=1)
NOBODY, PROGRAM = "nobody", "program"
WHO = [NOBODY, *ROLES, PROGRAM]
DEVICES = ("S1", "L2", "TIE", "T2", "B1")


@dataclass
class Found:
    """What a run was answered, and what of it is not as it should be."""

    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    succeeded: set[str] = field(default_factory=set)
    faults: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, phase: str, recorder: ScenarioRecorder) -> None:
        """Count the answers of one scenario, and keep one fault of each kind for each operation."""
        self.cases[phase] += len(recorder.interactions)
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is None:
                continue
            operation = recorder.cases[case_id].value.operation.label if case_id in recorder.cases else ""
            self.statuses[interaction.response.status_code] += 1
            if interaction.response.status_code < 300:
                self.succeeded.add(operation)
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    label = recorder.cases[case_id].value.operation.label
                    self.faults.setdefault((label, check.name), _told(check.failure_info.failure, recorder, case_id))


def _told(failure: Exception, recorder: ScenarioRecorder, case_id: str) -> str:
    sent, got = recorder.interactions[case_id].request, recorder.interactions[case_id].response
    answer = "no answer" if got is None else f"{got.status_code} {got.content[:500]!r}"
    return f"{failure}\n{sent.method} {sent.uri} {sent.body!r}\n{answer}"


@schemathesis.check
def refused_for_a_reason(_context: Any, response: Response, case: Case[Any]) -> None:
    """What the schema allows is refused only for what a schema cannot say: the state of the network, of an outage, of time."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    problem = json.loads(response.content)
    if problem["type"] == TYPE_PREFIX + "request":
        malformed = [error for error in problem["errors"] if error["code"] != "value_error"]
        assert not malformed, f"the schema allows what is malformed: {malformed}"


def may(who: str, *permissions: str) -> bool:
    """Return whether ``who`` holds one of ``permissions``."""
    held = frozenset(TOKEN_PERMISSIONS) if who == PROGRAM else ROLES.get(who, frozenset())
    return not held.isdisjoint(permissions)


def open_to(who: str, app: FastAPI) -> set[str]:
    """Return the operations that ``who`` may ask for, by the table of `tests.api.people.test_access`."""
    rules = {name.replace(":path}", "}"): rule for name, rule in EXPECTED.items()}
    asked = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    return {one for one in asked - {f"GET {STREAM}"} if rules[one] == ANYONE or may(who, *rules[one].split("|"))}


@contextmanager
def serving(store: str, town: Network) -> Iterator[FastAPI]:
    settings = Settings(network="town", store=store, hosts=("testserver",), public_per_minute=1_000_000)
    numbers = count(1)  # so that the same is sent in every run
    service = Service(town, open_store(store), utility_of(settings), new_id=lambda _now, _zone: f"20260501-{next(numbers):04}")
    app = create_app(service, settings, lambda: NOW)
    try:
        yield app
    finally:
        shutdown_lifespans()
        service.close()


def enter_outages(app: FastAPI) -> list[str]:
    """Enter an outage in each of several states, and one that names what the network has no longer; return the ids."""
    control, approver = new_client(app, "control"), new_client(app, "approver")
    start, end = (NOW - HOUR).isoformat(), (NOW + HOUR).isoformat()
    plan: dict[str, Any] = {"outage_class": "planned", "switching": {"open": ["S1"]}, "reason": "line work", "submit": True}
    plan |= {"start": start, "end": end, "contact": "13811112222"}
    fault = {"outage_class": "fault", "switching": {"fault": ["L3"]}, "reason": "cable", "start": start}
    draft, other = (_enter(control, {**plan, "submit": False}) for _ in range(2))
    submitted, approved, going_on, over = (_enter(control, body) for body in (plan, plan, fault, fault))
    _take(approver, approved, to="approved")
    _take(control, over, to="restored", at=NOW.isoformat())
    facts = OutageFacts("planned", Switching(open=(Operation("GONE"),)), (Window(NOW, NOW + HOUR),), "line work")
    app.state.shared.service.store.append("20260501-GONE", 0, [Entered(facts, NOW, "test-control")])
    return [draft, submitted, other, approved, going_on, over, "20260501-GONE"]


def _enter(client: TestClient, body: Mapping[str, Any]) -> str:
    answer = client.post(OUTAGES, json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def _take(client: TestClient, outage: str, **step: Any) -> None:
    seen = client.get(f"{OUTAGES}/{outage}").headers["ETag"]
    answer = client.post(f"{OUTAGES}/{outage}/transitions", json=step, headers={"If-Match": seen})
    assert answer.status_code == 200, answer.text


STEPS = {
    "POST /api/v1/outages/{outage_id}/notices",
    "PUT /api/v1/notices/{notice_id}/texts/{key}",
    "POST /api/v1/notices/{notice_id}/transitions",
    "POST /api/v1/notices/{notice_id}/messages/retry",
    "POST /api/v1/notices/{notice_id}/messages/give-up",
    "POST /api/v1/notices/{notice_id}/acknowledgements",
}
"""Steps of a notice that only go in the one state of it that they are for, which no drawing meets: they may all be refused."""


class Told(NamedTuple):
    """A notice that was issued, and the position of one of its messages."""

    notice_id: str
    position: int


def issue_notice(app: FastAPI, outage: str) -> Told:
    """Issue the first notice of an outage."""
    publishing = app.state.shared.publishing
    dossier = publishing.draft(outage, by="test-desk", now=NOW)
    reasons = {finding.key: "as it should be" for finding in publishing.findings(dossier)}
    publishing.submit(dossier.id, seen=1, reasons=reasons, late_reason="entered late", by="test-desk", now=NOW)
    publishing.approve(dossier.id, seen=2, by="test-approver", now=NOW)
    publishing.issue(dossier.id, seen=3, by="test-desk", now=NOW)
    return Told(dossier.id, publishing.outbox.list_of(dossier.id)[0].position)


def description(app: FastAPI, outages: Sequence[str], told: Told, *, approves: bool) -> dict[str, Any]:
    """Return the description as it is fuzzed: with names of the town, and every status by its number.

    What may be named keeps its schema, with some names that are there beside it.
    """
    draft, submitted, other, *_ = outages
    subject = submitted if approves else draft
    text = json.dumps(app.openapi()).replace("MV3.101 Line 2", "S1").replace("MV3.101 Line 3", "L2")
    described: dict[str, Any] = json.loads(text.replace("20260501-K7QM", subject))
    del described["paths"][STREAM]  # it does not end; tests/api/test_stream.py reads it
    revise = described["paths"][f"{OUTAGES}/{{outage_id}}"]["put"]
    _example(revise, outage_id=other)  # one that no step has changed meanwhile
    if approves:
        change = described["paths"][f"{OUTAGES}/{{outage_id}}/transitions"]["post"]
        _example(change, **{"if-match": '"2"'})
        change["requestBody"]["content"]["application/json"]["example"] = {"to": "approved"}
    there: dict[str, list[Any]] = {
        "outage_id": [*dict.fromkeys((subject, *outages))],
        "device_id": [*DEVICES],
        "after": ["", *outages],
        "feeder": ["10kV西河线"],
    }
    there["if-match"] = ['"1"', '"2"', '"3"']
    alert = f"{told.notice_id.rpartition('.')[0]}.3"  # the outage was approved by its third event
    single: dict[str, list[Any]] = {"notice_id": [told.notice_id], "position": [told.position], "identifier": [alert]}
    there |= single
    for operation in (one for path in described["paths"].values() for one in path.values()):
        del operation["responses"]["default"]
        operation["responses"]["405"] = {"description": "With an empty id it is another address."}
        for parameter in operation.get("parameters", []):
            names = there.get(parameter["name"], [])
            if names and isinstance(names[0], int) == (parameter["schema"].get("type") == "integer"):
                examples = single.get(parameter["name"], parameter["schema"].pop("examples", []))
                parameter["schema"] = {"anyOf": [{"enum": names}, parameter["schema"]], "examples": examples}
    switching = described["components"]["schemas"]["SwitchingIn"]["properties"]
    for name in ("open", "close", "fault"):
        switching[name]["items"] = {"anyOf": [{"enum": [*DEVICES]}, switching[name]["items"]]}
    return described


def _example(operation: dict[str, Any], **values: str) -> None:
    for parameter in operation["parameters"]:
        if parameter["name"] in values:
            parameter["schema"]["examples"] = [values[parameter["name"]]]


def credentials(app: FastAPI, who: str) -> dict[str, str]:
    """Return the headers by which a request is that of somebody of a role, of a program, or of nobody."""
    if who == NOBODY:
        return {}
    if who == PROGRAM:
        return {"Authorization": machine(app, TOKEN_PERMISSIONS).headers["Authorization"]}
    client = new_client(app, who)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
    return {"Cookie": cookies, "X-CSRF-Token": client.headers["X-CSRF-Token"]}


def fuzz(app: FastAPI, who: str, *, coverage: bool, examples: int) -> Found:
    """Send everything that schemathesis thinks of, as ``who``; ``examples`` are drawn for each operation."""
    checks: dict[str, Any] = {"positive_data_acceptance": {"enabled": False}}  # `refused_for_a_reason` knows more
    # The address of a preview is also one that an outage could have: it answers the methods of both.
    both = {"unsupported_method": {"enabled": False}, "allow_header_conformance": {"enabled": False}}
    config = {
        "headers": credentials(app, who),
        "continue-on-failure": True,
        "checks": checks,
        "operations": [{"include-path": f"{OUTAGES}/preview", "checks": both}],
        "generation": {
            "deterministic": True,
            "max-examples": examples,
            "database": "none",
            "no-shrink": True,
            "with-security-parameters": False,
        },
        "phases": {"coverage": {"enabled": coverage}, "stateful": {"max-steps": 6}},
    }
    outages = enter_outages(app)
    described = description(app, outages, issue_notice(app, outages[3]), approves=may(who, "approve"))
    schema = schemathesis.openapi.from_dict(described, config=SchemathesisConfig.from_dict(config))
    schema.app = app
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            found.add(event.phase.value, event.recorder)
        assert not isinstance(event, events.NonFatalError), (event.label, event.info)
        assert not isinstance(event, events.FatalError), event.exception
    return found


def tell(who: str, store: str, found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    phases = ", ".join(f"{count} {phase}" for phase, count in found.cases.items())
    statuses = ", ".join(f"{count} × {status}" for status, count in sorted(found.statuses.items()))
    with capsys.disabled():
        sys.stdout.write(f"\nfuzz: {who} on {store}: {found.cases.total()} cases ({phases}); answers {statuses}\n")


@pytest.fixture(scope="module")
def town() -> Network:
    return build_network(make_town())


@pytest.mark.parametrize("who", WHO)
def test_whatever_is_sent_by_whomever_is_answered_as_described(
    who: str, town: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bounds of every field are the same for all: they are tried with a cookie and with a token."""
    everything = who in ("control", PROGRAM)
    with serving(f"sqlite:///{tmp_path}/outages.db", town) as app:
        found = fuzz(app, who, coverage=everything, examples=10)
        tell(who, "SQLite", found, capsys)
        assert found.faults == {}
        assert max(found.statuses) < 500
        assert found.succeeded >= open_to(who, app) - STEPS
    assert found.cases.total() > (2_000 if everything else 250)


def test_it_is_so_on_postgresql_too(town: Network, cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(cluster.new_database(), town) as app:
        found = fuzz(app, "control", coverage=False, examples=6)
        tell("control", "PostgreSQL", found, capsys)
        assert found.faults == {}
        assert max(found.statuses) < 500
        assert found.succeeded >= open_to("control", app) - STEPS
