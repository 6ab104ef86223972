"""Control enters an outage: a form, a preview that follows what is typed, and the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.form import OutageForm, read_facts, read_switching, write_time
from api.lists import affected_table
from api.reasons import list_reasons
from api.service import Service
from api.visit import Visit, Visiting
from maps.geojson import Geo
from outages.events import FactProblem, FactsError, Switching
from outages.store import KeyReusedError, StoreError

router = APIRouter(include_in_schema=False)

CONTROL = "control"
"""Who enters and changes outages, as long as nobody signs in."""

HEAD_ROWS = 10
"""How much of the list of affected customers a preview shows."""

MOST_POINTS = 3000
"""Customers drawn as points in a preview at most; beyond that the areas tell more."""


async def typed_form(request: Request) -> OutageForm:
    """Return what was typed into the form; files and unknown fields are passed over."""
    fields = await request.form()
    return OutageForm.of({name: value for name, value in fields.items() if isinstance(value, str)})


TypedForm = Annotated[OutageForm, Depends(typed_form)]


@router.get("/control")
def show_control(visit: Visiting) -> HTMLResponse:
    """Show the empty form, beginning now, and the board."""
    return _page(visit, OutageForm(start=write_time(visit.now, visit.settings.zone), key=uuid4().hex), ())


@router.post("/control")
def enter_outage(visit: Visiting, form: TypedForm) -> Response:
    """Enter the outage and go to its page; where something is wrong, show the form as it was typed and say what."""
    try:
        facts = read_facts(form, visit.settings.zone)
    except FactsError as error:
        return _page(visit, form, (*error.problems, *_unknown_devices(visit, form)), status=422)
    try:
        outage = visit.service.enter(facts, by=CONTROL, now=visit.now, key=form.key or None)
    except FactsError as error:
        return _page(visit, form, error.problems, status=422)
    except KeyReusedError as error:
        # Somebody went back in the browser and changed the form: with a new key it can be sent again.
        fresh = replace(form, key=uuid4().hex)
        return _page(visit, fresh, [FactProblem("form", "key_reused", str(error))], status=409)
    except StoreError as error:
        return _page(visit, form, [FactProblem("form", "store", str(error))], status=503)
    return RedirectResponse(f"/outages/{outage.id}?entered=1", status_code=303)


@router.post("/control/preview")
def show_preview(visit: Visiting, form: TypedForm) -> HTMLResponse:
    """Show what the switching that is typed so far would do: a part of the page, for the script beside the form."""
    try:
        switching = read_switching(form)
        return _preview(visit, switching)
    except FactsError as error:
        return visit.page("_preview.html", impact=None, problems=error.problems)


def drawn_layers(service: Service, switching: Switching) -> dict[str, Geo]:
    """Return what the map on a page of control draws of ``switching``."""
    layers = service.layers(switching)
    drawn = {"areas": layers.areas, "lines": layers.lines, "devices": layers.devices}
    if len(layers.customers["features"]) <= MOST_POINTS:
        drawn["customers"] = layers.customers
    return drawn


def _preview(visit: Visit, switching: Switching) -> HTMLResponse:
    if not (switching.open or switching.fault):
        return visit.page("_preview.html", impact=None, problems=())
    impact = visit.service.preview(switching)
    return visit.page(
        "_preview.html",
        impact=impact,
        problems=(),
        layers=drawn_layers(visit.service, switching),
        missing=[gap.says(visit.language) for gap in visit.service.layers(switching).missing],
        scope=visit.service.scope(switching, visit.language),
        head=affected_table(impact, limit=HEAD_ROWS).to_dict("records"),
    )


def _unknown_devices(visit: Visit, form: OutageForm) -> list[FactProblem]:
    """Return what is wrong with the devices alone: said together with the rest, not one form later."""
    try:
        visit.service.preview(read_switching(form))
    except FactsError as error:
        return [problem for problem in error.problems if problem.code in ("device_unknown", "phase_unknown")]
    return []


def _page(visit: Visit, form: OutageForm, problems: Sequence[FactProblem], *, status: int = 200) -> HTMLResponse:
    return visit.page(
        "control.html",
        status=status,
        form=form,
        problems=problems,
        board=visit.service.board(visit.now),
        reasons=list_reasons(visit.language),
    )
