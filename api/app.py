"""The web application: routes, guards, files and errors put together around one service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from api.answers import answer_error
from api.guard import Guard
from api.problems import MEDIA_TYPE, PROBLEMS
from api.routes import control, desk, docs, health, outage, outages, preview, public, start
from api.schemas import ProblemOut
from api.service import Service
from api.settings import Settings
from api.visit import WEB, Shared
from maps.assets import VENDOR, asset_path

ABOUT = """What a switching would cost, which outages there are, whom they affect, and what is said about them.

Times are ISO 8601 with an offset. Errors are problem documents (RFC 9457). A POST with an Idempotency-Key may be repeated.
Nobody signs in yet: let only the control room reach this server, and publish what is under /api/v1/public/ by a proxy."""


def create_app(service: Service, settings: Settings, clock: Callable[[], datetime]) -> FastAPI:
    """Return the application. Raises AssetError where the browser files are not installed."""
    asset_path("leaflet.js")
    app = FastAPI(
        title="gridnotice",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": ProblemOut, "description": "A problem document (RFC 9457)."}},
        exception_handlers=dict.fromkeys((*PROBLEMS, HTTPException, RequestValidationError, Exception), answer_error),
    )
    app.openapi = partial(_describe, app)  # type: ignore[method-assign]
    app.state.shared = Shared(service, settings, clock)
    app.add_middleware(Guard, settings=settings, answer_error=answer_error)
    for module in (start, control, outage, desk, public, outages, preview, docs, health):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=WEB / "static"), name="static")
    app.mount("/assets", StaticFiles(directory=VENDOR), name="assets")
    return app


def _describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description, in which every error is application/problem+json."""
    if app.openapi_schema is None:
        described = FastAPI.openapi(app)
        operations = [operation for path in described["paths"].values() for operation in path.values()]
        answers = [answer for operation in operations for answer in operation["responses"].items()]
        for status, answer in answers:
            if not status.startswith("2") and "application/json" in answer.get("content", {}):
                answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
    return app.openapi_schema or {}
