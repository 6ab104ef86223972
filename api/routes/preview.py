"""What a switching would cost, and the devices that it can name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.lists import affected_table
from api.schemas import DeviceOut, PreviewOut, ProblemOut, SwitchingIn, device_out, impact_out
from api.visit import Visiting

router = APIRouter(prefix="/api/v1", tags=["network"])


@router.post("/preview", responses={422: {"model": ProblemOut, "description": "A problem document."}})
def preview(visit: Visiting, switching: SwitchingIn, head: Annotated[int, Query(ge=0, le=1000)] = 10) -> PreviewOut:
    """Whom a switching would affect. Nothing is entered."""
    asked = switching.value()
    impact = visit.service.preview(asked)
    return PreviewOut(
        **impact_out(impact).model_dump(),
        customers=affected_table(impact, limit=head).to_dict("records"),
        scope={language: visit.service.scope(asked, language) for language in visit.settings.languages},
    )


@router.get("/devices")
def find_devices(
    visit: Visiting, q: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=100)] = 12
) -> list[DeviceOut]:
    """Devices whose id or name begins with, or contains, what is typed."""
    return [device_out(device) for device in visit.service.find_devices(q, limit=limit)]
