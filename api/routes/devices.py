"""Devices for programs: found by what people type, what each costs, how a fault there is dealt with, which ties help."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.asked import SwitchingIn
from api.described import problems
from api.people.access import needs
from api.schemas import (
    DeviceDetailOut,
    DeviceOut,
    IsolationOut,
    TieOut,
    cost_out,
    device_out,
    isolation_out,
    tie_out,
)
from api.search import describe
from api.visit import Visit, Visiting
from outages.facts import Switching
from outages.together import state_before
from topology.network import Network
from topology.restore import TieStep, plan_restoration, plan_transfer
from topology.supply import State, operate
from topology.transfer import letters_of

router = APIRouter(prefix="/api/v1", tags=["devices"], dependencies=[needs("read")])

DeviceId = Annotated[str, Path(min_length=1, max_length=200, examples=["MV3.101 Line 2"])]


@router.get("/devices", summary="Find devices", responses=problems())
def find_devices(
    visit: Visiting,
    q: Annotated[str, Query(max_length=200, description="Part of an id, of a name, or of the pinyin of a name.")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 12,
) -> list[DeviceOut]:
    """Devices by what is typed: the very id first, then what begins with it, then what contains it, then pinyin."""
    return [device_out(device) for device in visit.service.find_devices(q, limit=limit)]


@router.get("/devices/{device_id:path}/isolation", summary="Plan for a fault", responses=problems(404))
def get_isolation(visit: Visiting, device_id: DeviceId) -> IsolationOut:
    """A fault there, now: what clears it, what isolates it, which ties bring whom back, step by step."""
    network = visit.service.network
    device = network.device_ids[network.device(device_id)]
    return isolation_out(network, device, plan_restoration(network, _state_now(visit), [device]))


@router.get("/devices/{device_id:path}", summary="Get a device", responses=problems(404))
def get_device(visit: Visiting, device_id: DeviceId) -> DeviceDetailOut:
    """A device: what it is, how it stands now, and what is lost when it opens on all phases in normal operation."""
    network = visit.service.network
    device = network.device(device_id)
    return DeviceDetailOut(
        **device_out(describe(network, device)).model_dump(),
        phases=letters_of(int(network.wiring.phases[device])),
        closed=letters_of(int(_state_now(visit).closed[device])),
        cost=cost_out(visit.service.slices.cost(device)),
    )


@router.post("/ties", summary="Find ties that help", responses=problems(400, 413))
def find_ties(visit: Visiting, asked: SwitchingIn) -> list[TieOut]:
    """Open switches that would keep on, or bring back, those whom a switching cuts off now; the best first."""
    switching, network = asked.value(), visit.service.network
    visit.service.preview(switching)  # which says what is wrong with the devices
    return [tie_out(network, step) for step in helpful_ties(network, _state_now(visit), switching)]


def helpful_ties(network: Network, before: State, switching: Switching) -> tuple[TieStep, ...]:
    """Return the ties that would make an outage smaller, the best first, beside those that the switching closes itself."""
    opened, closed = (
        [(operation.device, operation.phases) for operation in operations] for operations in (switching.open, switching.close)
    )
    after = operate(network, before, open=opened, close=closed)
    if switching.fault:
        return plan_restoration(network, after, list(switching.fault)).steps
    return plan_transfer(network, before, after)


def _state_now(visit: Visit) -> State:
    """Return what is closed and fed now, under all outages in force."""
    return state_before(visit.service.network, visit.service.live.open_outages(), visit.now)
