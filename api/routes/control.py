"""Control enters an outage, or changes one: a form, a preview that follows what is typed, and the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.form import OutageForm, read_facts, read_switching, read_windows, write_form, write_minute
from api.lists import affected_table
from api.people.access import needs
from api.problems import kind_of
from api.reasons import list_reasons
from api.record import Told, tell
from api.service import Service
from api.visit import Visit, Visiting
from maps.geojson import Geo
from outages.conflicts import Conflict
from outages.events import Outage
from outages.facts import FactProblem, FactsError, OutageFacts
from outages.impact import Impact
from outages.lifecycle import Difference, TransitionError, allowed
from outages.store import KeyReusedError, StaleWriteError, StoreError

router = APIRouter(include_in_schema=False)

HEAD_ROWS = 10
"""How much of the list of affected customers a preview shows."""

MOST_POINTS = 3000
"""Customers drawn as points in a preview at most; beyond that the areas tell more."""

STORE_GONE = 503
"""The status where the board comes from memory: the form has to be shown with what was typed."""

MOST_FEEDERS = 500
"""Feeders that the form suggests at most; with more of them a page would be too long."""


async def typed_form(request: Request) -> OutageForm:
    """Return what was typed into the form; files and unknown fields are passed over."""
    fields = await request.form()
    return OutageForm.of((name, value) for name, value in fields.multi_items() if isinstance(value, str))


async def chosen_button(request: Request) -> bool:
    """Return whether the form was sent by the button that also submits it for approval."""
    return (await request.form()).get("do") == "submit"


TypedForm = Annotated[OutageForm, Depends(typed_form)]
Submits = Annotated[bool, Depends(chosen_button)]


@dataclass(frozen=True)
class Meanwhile:
    """What others did to an outage since somebody looked at it: events, and what they changed in its facts."""

    events: list[Told]
    differences: list[Difference]


@router.get("/control", dependencies=[needs("read")])
def show_control(visit: Visiting) -> HTMLResponse:
    """Show the empty form, beginning now, and the board."""
    return _page(visit, OutageForm(start=(write_minute(visit.now, visit.settings.zone),), key=uuid4().hex), ())


@router.post("/control", dependencies=[needs("enter")])
def enter_outage(visit: Visiting, form: TypedForm, *, submits: Submits) -> Response:
    """Enter the outage and go to its page; where something is wrong, show the form as it was typed and say what."""

    def enter(facts: OutageFacts) -> Outage:
        return visit.service.enter(facts, by=visit.actor.name, now=visit.now, key=form.key or None, why=form.why, submit=submits)

    return _record(visit, form, enter)


@router.get("/outages/{outage_id}/revise", dependencies=[needs("enter")])
def show_revision(visit: Visiting, outage_id: str) -> HTMLResponse:
    """Show the form with the newest facts of an outage, to be changed."""
    outage = visit.service.get_outage(outage_id)
    form = replace(write_form(outage.facts, visit.settings.zone), key=uuid4().hex, seen=str(outage.seq))
    refused = () if "revised" in allowed(outage) else (FactProblem("form", "transition", "It cannot be changed now."),)
    return _page(visit, form, refused, outage=outage, status=409 if refused else 200)


@router.post("/outages/{outage_id}/revise", dependencies=[needs("enter")])
def revise_outage(visit: Visiting, outage_id: str, form: TypedForm) -> Response:
    """Record the change and go to the page of the outage; where it cannot be, show the form as it was typed and say why."""
    outage = visit.service.get_outage(outage_id)
    seen = int(form.seen) if form.seen.isdecimal() else outage.seq

    def revise(facts: OutageFacts) -> Outage:
        by, now, key = visit.actor.name, visit.now, form.key or None
        return visit.service.revise(outage_id, facts, why=form.why, seen=seen, by=by, now=now, key=key)

    return _record(visit, form, revise, outage=outage)


@router.post("/control/preview", dependencies=[needs("read", "lists")])
def show_preview(visit: Visiting, form: TypedForm, outage: Annotated[str, Form(max_length=100)] = "") -> HTMLResponse:
    """Show what the switching that is typed so far would do: a part of the page, for the script beside the form."""
    try:
        return _preview(visit, form, outage)
    except FactsError as error:
        return visit.page("_preview.html", impact=None, problems=error.problems)


def drawn_layers(visit: Visit, impact: Impact) -> dict[str, Geo]:
    """Return what the map on a page draws of an impact; single customers only for those who may see lists."""
    layers = visit.service.layers(impact)
    drawn = {"areas": layers.areas, "lines": layers.lines, "devices": layers.devices}
    if visit.actor.may("lists") and len(layers.customers["features"]) <= MOST_POINTS:
        drawn["customers"] = layers.customers
    return drawn


def conflicts_of(visit: Visit, facts: OutageFacts, outage_id: str = "") -> list[Conflict]:
    """Return what an approver should know before these facts come into force."""
    return visit.service.conflicts(facts, visit.now, outage_id)


def since(service: Service, outage: Outage, seen: int) -> Meanwhile | None:
    """Return what happened to ``outage`` after the revision ``seen``; None for nothing."""
    events = tell(outage.id, service.history(outage.id))
    if not 1 <= seen < len(events):
        return None
    return Meanwhile(events[seen:], service.compare(outage.id, seen, len(events)))


def _record(visit: Visit, form: OutageForm, record: Callable[[OutageFacts], Outage], *, outage: Outage | None = None) -> Response:
    """Record what was typed, and answer; nothing that was typed is lost when it cannot be."""
    try:
        facts = read_facts(form, visit.settings.zone, resolve=visit.service.resolve)
    except FactsError as error:
        return _page(visit, form, _problems(visit, form, error, outage), outage=outage, status=422)
    try:
        recorded = record(facts)
    except FactsError as error:
        return _page(visit, form, error.problems, outage=outage, status=422)
    except StaleWriteError as error:
        return _page(visit, form, [FactProblem("form", "stale", str(error))], outage=error.newer, status=409)
    except (KeyReusedError, TransitionError, StoreError) as error:
        kind = kind_of(error)
        # Somebody may have gone back in the browser and changed the form: with a new key it can be sent again.
        fresh = replace(form, key=uuid4().hex) if isinstance(error, KeyReusedError) else form
        problem = FactProblem("form", kind.code.replace("-", "_"), str(error))
        return _page(visit, fresh, [problem], outage=outage, status=kind.status)
    return RedirectResponse(f"/outages/{recorded.id}?{'changed' if outage else 'entered'}=1", status_code=303)


def _preview(visit: Visit, form: OutageForm, outage_id: str) -> HTMLResponse:
    switching = read_switching(form, visit.service.resolve)
    if not (switching.open or switching.fault):
        return visit.page("_preview.html", impact=None, problems=())
    impact = visit.service.preview(switching, at=_start(form, visit), outage_id=outage_id)
    alone = visit.service.preview(switching)
    return visit.page(
        "_preview.html",
        impact=impact,
        problems=(),
        off_already=alone.counts.customers - impact.counts.customers,
        chosen=switching if switching != read_switching(form) else None,
        conflicts=_conflicts(visit, form, outage_id),
        layers=drawn_layers(visit, impact),
        missing=[gap.says(visit.language) for gap in visit.service.layers(impact).missing],
        scope=visit.service.scope(impact, visit.language, outage_class=form.outage_class or "planned"),
        head=affected_table(impact, limit=HEAD_ROWS).to_dict("records"),
    )


def _start(form: OutageForm, visit: Visit) -> datetime:
    """Return when the outage that is being typed begins; now, as long as that cannot be read."""
    try:
        return read_windows(form, visit.settings.zone)[0].start
    except FactsError:
        return visit.now


def _conflicts(visit: Visit, form: OutageForm, outage_id: str) -> list[Conflict]:
    try:
        facts = read_facts(form, visit.settings.zone, resolve=visit.service.resolve)
        return conflicts_of(visit, facts, outage_id)
    except FactsError:
        return []  # not all of it is typed yet; it says so when it is sent


def _problems(visit: Visit, form: OutageForm, error: FactsError, outage: Outage | None) -> list[FactProblem]:
    """Return what is wrong with the form, and with its devices and its reason: said together, not one form later."""
    problems = [*error.problems]
    if outage is not None and not form.why.strip():
        problems.append(FactProblem("why", "why_missing", "No reason is given for the change."))
    try:
        visit.service.preview(read_switching(form, visit.service.resolve))
    except FactsError as other:
        problems += [problem for problem in other.problems if problem not in problems]
    return problems


def _page(
    visit: Visit, form: OutageForm, problems: Sequence[FactProblem], *, outage: Outage | None = None, status: int = 200
) -> HTMLResponse:
    """Show the form: for a new outage with the board below, for a change with what others did since it was opened."""
    meanwhile = None
    if outage is not None and form.seen.isdecimal():
        meanwhile = since(visit.service, outage, int(form.seen))
        form = form if meanwhile is None else replace(form, seen=str(outage.seq), key=uuid4().hex)
    feeders = [str(name) for name in visit.service.network.feeder_names]
    return visit.page(
        "control.html",
        status=status,
        form=form,
        problems=problems,
        outage=outage,
        meanwhile=meanwhile,
        board=None if outage else visit.service.live.board(visit.now, fresh=status != STORE_GONE),
        reasons=list_reasons(visit.language),
        feeders=feeders if len(feeders) <= MOST_FEEDERS else [],
    )
