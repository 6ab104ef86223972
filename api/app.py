"""The web application: routes, guards, files and errors put together around one service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from api.answers import answer_error
from api.composing import house_of
from api.courier import Courier
from api.described import describe
from api.feeds import Feeds
from api.guard import Guard, rates_of
from api.health import NetworkFile
from api.metrics import Measure
from api.problems import PROBLEMS
from api.process import Process
from api.publishing import Publishing
from api.routes import (
    affected,
    changes,
    control,
    desk,
    devices,
    docs,
    feeds,
    health,
    notice,
    notices,
    oidc,
    outage,
    outages,
    public,
    sign_in,
    start,
    stream,
)
from api.schemas import ProblemOut
from api.service import Service
from api.settings import Settings
from api.visit import WEB, Shared
from maps.assets import VENDOR, asset_path

ABOUT = """What a switching would cost, which outages there are, whom they affect, and what is said about them.

Times are ISO 8601 with an offset. Errors are problem documents (RFC 9457). A POST with an Idempotency-Key may be repeated.
A program sends its token as Authorization: Bearer; an administrator makes it, under /accounts. Everybody may ask for what is
under /api/v1/public/."""


def create_app(
    service: Service,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    network: NetworkFile | None = None,
    courier: Courier | None = None,
) -> FastAPI:
    """Return the application; ``network`` is the file to watch, ``courier`` delivers while it runs.

    Raises AssetError where the browser files are not installed.
    """
    asset_path("leaflet.js")
    publishing = Publishing(service, house_of(settings))
    process = Process(
        service.store,
        service.live,
        clock,
        network=network,
        customers_out=lambda: service.customers_out(clock(), fresh=False),
        outbox=publishing.outbox,
        courier=courier,
    )
    app = FastAPI(
        title="gridnotice",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # a route of its own, with a rule like every other
        responses={"default": {"model": ProblemOut, "description": "A problem document (RFC 9457)."}},
        lifespan=process.lifespan,
        exception_handlers=dict.fromkeys((*PROBLEMS, HTTPException, RequestValidationError, Exception), answer_error),
    )
    # FastAPI's own way to change its description; the type checker sees a method of the class.
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    app.state.shared = Shared(service, publishing, settings, clock)
    app.state.feeds = Feeds(service, settings)
    app.state.process = process
    app.state.rates = rates_of(settings)
    app.add_middleware(Guard, settings=settings, rates=app.state.rates, answer_error=answer_error)
    app.add_middleware(Measure, metrics=process.metrics)
    for module in (
        start,
        sign_in,
        oidc,
        control,
        outage,
        desk,
        notice,
        public,
        feeds,
        changes,
        notices,
        outages,
        affected,
        devices,
        docs,
        health,
        stream,
    ):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=WEB / "static"), name="static")
    app.mount("/assets", StaticFiles(directory=VENDOR), name="assets")
    return app
