"""Switching plans and explanations for the command line: text for a dispatcher, JSON for a script."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from outages.facts import Switching
from outages.impact import Impact
from topology.flood import Rows
from topology.network import Network
from topology.restore import Restoration, TieStep, plan_restoration, plan_transfer, switching_plan
from topology.supply import normal_state, operate
from topology.why import find_path

_WORDS = {"trips": "Trips", "open": "Open", "close": "Close"}


def restoration_as(form: str, network: Network, faults: list[str]) -> str:
    """Return how ``faults`` are cleared, isolated and restored, as ``text`` or ``json``. Raises UnknownIdError."""
    plan = plan_restoration(network, normal_state(network), faults)
    return _restoration_text(network, faults, plan) if form == "text" else _json(_restoration(network, faults, plan))


def transfer_as(form: str, network: Network, switching: Switching) -> str:
    """Return which ties make a planned outage small, as ``text`` or ``json``. Raises UnknownIdError and UnknownPhaseError."""
    normal = normal_state(network)
    opened = [(operation.device, operation.phases) for operation in switching.open]
    steps = plan_transfer(network, normal, operate(network, normal, open=opened))
    if form == "json":
        return _json({"open": [list(pair) if pair[1] else pair[0] for pair in opened], "ties": _ties(network, steps)})
    lines = [_tie_text(network, step, "keeps on") for step in steps] or ["No tie keeps anybody on."]
    return "\n".join(lines) + "\n"


def why_as(form: str, impact: Impact, customer_id: str) -> str:
    """Return the path of a customer from its source, with the device that cuts it marked. Raises UnknownIdError."""
    network = impact.network
    row = network.customer(customer_id)
    affected = impact.affected.tolist()
    state = "out" if row in impact.out else "partial" if row in impact.partial else "supplied"
    now = state == "supplied"
    path = find_path(network, impact.supply_after if now else impact.supply_before, int(network.customer_node[row]))
    cut_by = "" if now else impact.cut_by[affected.index(row)]
    steps = [{"device": network.device_ids[device], "cuts": network.device_ids[device] == cut_by} for device in path]
    if form == "json":
        return _json({"customer": customer_id, "state": state, "cut_by": cut_by or None, "path": steps})
    if not steps:
        return f"{customer_id} has no supply in the normal state: no path leads to it from a source.\n"
    head = f"{customer_id} is {_STATES[state]}" + (f": {cut_by} no longer passes." if cut_by else ".")
    marks = [f"  {'✗' if step['cuts'] else '│'} {step['device']}" for step in steps]
    return "\n".join([head, "From the source:" if now else "Its path from the source was:", *marks, f"  ☗ {customer_id}"]) + "\n"


_STATES = {"out": "without supply", "partial": "on some of its phases", "supplied": "supplied"}


def _restoration(network: Network, faults: list[str], plan: Restoration) -> dict[str, Any]:
    return {
        "fault": faults,
        "cleared_by": _ids(network, plan.cleared_by),
        "dead_sources": network.node_ids[plan.dead_sources].tolist(),
        "out": _customers(network, plan.out),
        "isolate": _ids(network, plan.isolate),
        "reclose": _ids(network, plan.reclose),
        "refed": _customers(network, plan.refed),
        "ties": _ties(network, plan.steps),
        "waiting": _customers(network, plan.waiting),
        "plan": _steps(network, plan),
    }


def _steps(network: Network, plan: Restoration) -> list[dict[str, Any]]:
    done = [step for step in switching_plan(network, plan) if step[1]]
    return [
        {"step": number, "do": do, "devices": list(devices), "customers_out": still}
        for number, (do, devices, still) in enumerate(done, start=1)
    ]


def _restoration_text(network: Network, faults: list[str], plan: Restoration) -> str:
    lines = [f"Fault at {', '.join(faults)}: {len(plan.out):,} customers out at once"]
    lines += [
        f"     No device parts it from the source at {node}: the supply above trips."
        for node in network.node_ids[plan.dead_sources]
    ]
    for step in _steps(network, plan):
        devices = ", ".join(step["devices"])
        lines.append(f"{step['step']:>3}  {_WORDS[step['do']]:<6} {devices:<50} {step['customers_out']:>8,} still out")
    lines.append(f"{len(plan.waiting):,} customers wait for the repair.")
    return "\n".join(lines) + "\n"


def _tie_text(network: Network, step: TieStep, does: str) -> str:
    return f"Close {', '.join(_ids(network, step.ties))}: {does} {len(step.restored):,} customers, {step.load_kw:,.0f} kW"


def _ties(network: Network, steps: Iterable[TieStep]) -> list[dict[str, Any]]:
    return [
        {"close": _ids(network, step.ties), "customers": _customers(network, step.restored), "load_kw": round(step.load_kw, 3)}
        for step in steps
    ]


def _ids(network: Network, devices: Rows) -> list[str]:
    ids: list[str] = network.device_ids[devices].tolist()
    return ids


def _customers(network: Network, rows: Rows) -> list[str]:
    ids: list[str] = network.tables.customers["id"].iloc[rows].tolist()
    return ids


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
