"""Whether the process answers and can do its work, what it counts, and the small picture that browsers ask every server for."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Field

from api.asked import Model
from api.described import problems, public_problems
from api.people.access import Identified, anyone, needs
from api.process import process_of
from api.visit import WEB

router = APIRouter()

_METRICS = {"text/plain": {"schema": {"type": "string"}, "example": "gridnotice_position 41.0\n"}}


Health = Literal["ready", "degraded", "unavailable"]


class LivenessOut(Model):
    """The process answers."""

    status: Literal["ok"] = Field(default="ok", examples=["ok"])


class CheckOut(Model):
    """One thing that was looked at."""

    name: str = Field(examples=["store"])
    status: Health = Field(examples=["ready"])
    says: str | None = Field(
        default=None,
        description="What was found; only for whoever may see the metrics.",
        examples=["It answers, and can be written to; position 41."],
    )


class ReadinessOut(Model):
    """Whether requests can be answered; the status is that of the worst check."""

    status: Health = Field(examples=["ready"])
    checks: list[CheckOut]


@router.get("/health/live", tags=["health"], summary="Is it alive", dependencies=[anyone], responses=public_problems(421))
def live() -> LivenessOut:
    """The process answers. Nothing else is asked."""
    return LivenessOut()


@router.get(
    "/health/ready",
    tags=["health"],
    summary="Can it do its work",
    dependencies=[anyone],
    response_model=ReadinessOut,
    responses={503: {"model": ReadinessOut, "description": "Unavailable: send requests elsewhere."}, **public_problems(421)},
)
def ready(request: Request, identity: Identified) -> Response:
    """Whether requests can be answered: 200 ready or degraded, 503 unavailable; why, for whoever may see the metrics."""
    process = process_of(request)
    report = process.health.report(process.clock())
    body = report.as_json(in_full=identity.actor.may("metrics"))
    return JSONResponse(body, 503 if report.status == "unavailable" else 200, headers={"Cache-Control": "no-store"})


@router.get(
    "/metrics",
    tags=["health"],
    summary="Numbers for monitoring",
    dependencies=[needs("metrics")],
    response_class=Response,
    responses={200: {"content": _METRICS, "description": "In the text format of Prometheus."}, **problems()},
)
def get_metrics(request: Request) -> Response:
    """What this process has counted, as Prometheus reads it."""
    return Response(process_of(request).metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/favicon.ico", include_in_schema=False, dependencies=[anyone])
def get_favicon() -> FileResponse:
    """Show the mark of the pages also on pages that name none, such as the map of one outage."""
    return FileResponse(WEB / "static" / "mark.svg", media_type="image/svg+xml")
