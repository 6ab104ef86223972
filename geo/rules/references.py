"""Rules about what rows say of rows in other tables: nodes, transformers, places.

A node exists as soon as a kept device, a source or the table of nodes names it. Nothing that names a node needs it to
exist but customers, and nothing needs a customer; so one pass in the order devices, customers, areas, places settles
everything that a quarantined row takes with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.files.columns import Mask, as_arrow, mask_of
from geo.rules.draft import Draft, Finding, Rows, found
from geo.schema import DEVICE_TABLES

Drafts = dict[str, Draft]

_NAMING = tuple((table, column) for table in DEVICE_TABLES for column in ("from_node", "to_node"))
_NODE_COLUMNS = (("sources", "node"), *_NAMING, ("nodes", "id"))
_NOTHING = pa.array([], pa.large_string())


def unknown_nodes(drafts: Drafts) -> list[Finding]:
    """A customer is at a node that exists; what quarantined rows alone name is told from what nothing names."""
    customers = drafts.get("customers")
    nodes = customers.text("node") if customers else None
    if customers is None or nodes is None:
        return []
    named = as_arrow(nodes)
    dangling = customers.kept & mask_of(pc.is_valid(named)) & ~_is_in(named, _nodes(drafts, kept=True))
    lost = dangling & _is_in(named, _nodes(drafts, kept=False))
    rows = np.flatnonzero(lost)
    says = ("node", "is a node that only rows set aside name", "Mend those rows. The customer was set aside with them.")
    findings = found(lost, customers, says, causes=_lost_with(drafts, named.take(pa.array(rows)).to_pylist()))
    says = ("node", "refers to no node", "Name the node as lines, switches or transformers do. The row was set aside.")
    return [*findings, *found(dangling & ~lost, customers, says)]


def _nodes(drafts: Drafts, *, kept: bool) -> Any:
    """Return every node that a kept row names, or that a row set aside names."""
    named = [_NOTHING]
    for table, column in _NODE_COLUMNS:
        text = drafts[table].text(column) if table in drafts else None
        if text is not None:
            named.append(as_arrow(text).filter(drafts[table].kept == kept).drop_null())
    return pa.concat_arrays(named)


def _lost_with(drafts: Drafts, nodes: list[str]) -> list[str]:
    """Return for each node the rows set aside that name it, as words: "switches Q7"."""
    causes: dict[str, list[str]] = {node: [] for node in nodes}
    for table, column in _NODE_COLUMNS:
        text = drafts[table].text(column) if table in drafts else None
        if text is None:
            continue
        draft = drafts[table]
        rows = np.flatnonzero(~draft.kept & _is_in(as_arrow(text), pa.array(list(causes), pa.large_string())))
        for name, node in zip(draft.names(rows), text.iloc[rows], strict=True):
            causes[node].append(f"{table} {name}")
    return [", ".join(causes[node][:3]) for node in nodes]


def idle_sources(drafts: Drafts) -> list[Finding]:
    """A source feeds something: its node is the end of a device."""
    sources = drafts.get("sources")
    fed = sources.text("node") if sources else None
    if sources is None or fed is None:
        return []
    ends = {key: draft for key, draft in drafts.items() if key in DEVICE_TABLES}
    idle = sources.kept & mask_of(pc.is_valid(as_arrow(fed))) & ~_is_in(as_arrow(fed), _nodes(ends, kept=True))
    return found(idle, sources, ("node", "is a node that no device is joined to", "Look at the name of the node."), then="keep")


def areas_of_no_transformer(drafts: Drafts) -> list[Finding]:
    """A service area belongs to a transformer."""
    areas, transformers = drafts.get("service_areas"), drafts.get("transformers")
    named = areas.text("transformer_id") if areas else None
    if areas is None or named is None:
        return []
    ids = transformers.text("id") if transformers else None
    known = as_arrow(ids).filter(transformers.kept) if transformers is not None and ids is not None else _NOTHING
    stray = areas.kept & mask_of(pc.is_valid(as_arrow(named))) & ~_is_in(as_arrow(named), known)
    fix = "Name a row of transformers that is not set aside. The area was set aside."
    return found(stray, areas, ("transformer_id", "refers to no transformer", fix))


def unknown_parents(places: Draft) -> list[Finding]:
    """A place is in a place that exists; where that was set aside, in the next one up that was not."""
    return _unknown_places(places, places, "parent_id")


def unknown_places(customers: Draft, places: Draft | None) -> list[Finding]:
    """A customer is in a place that exists. One that is not is kept without it: who is affected comes before where."""
    return _unknown_places(customers, places, "place_id")


def _unknown_places(draft: Draft, places: Draft | None, column: str) -> list[Finding]:
    named = draft.text(column)
    if named is None:
        return []
    ids = places.text("id") if places else None
    known = as_arrow(ids).filter(places.kept) if places is not None and ids is not None else _NOTHING
    unknown = draft.kept & mask_of(pc.is_valid(as_arrow(named))) & ~_is_in(as_arrow(named), known)
    above = _places_above(places) if places is not None else {}
    rows = np.flatnonzero(unknown)
    targets = [above.get(place) for place in named.iloc[rows]]
    moved = np.zeros(len(unknown), dtype=np.bool_)
    moved[rows] = [target is not None for target in targets]
    fix = "Mend that place. Until then the place above it was taken."
    says = (column, "is a place that was set aside", fix)
    up = [target for target in targets if target is not None]
    findings = found(moved, draft, says, then="replace", value=up)
    says = (column, "refers to no place", "Add the place, or correct the id. The cell was taken as empty.")
    return [*findings, *found(unknown & ~moved, draft, says, then="empty")]


def _places_above(places: Draft) -> dict[str, str]:
    """Return for each place set aside the nearest place above it that was kept, where there is one."""
    ids, parents = places.text("id"), places.text("parent_id")
    if ids is None or parents is None:
        return {}
    aside = np.flatnonzero(~places.kept)
    kept = set(ids[places.kept])
    parent = {place: above for place, above in zip(ids.iloc[aside], parents.iloc[aside], strict=True) if place not in kept}
    found_above = {}
    for place, directly_above in parent.items():
        above, steps = directly_above, 0
        while above in parent and steps <= len(parent):
            above, steps = parent[above], steps + 1
        if above in kept:
            found_above[place] = above
    return found_above


def circles_of_places(places: Draft) -> list[Finding]:
    """Going up from any place ends at the top; places that are in each other are taken to be at the top."""
    ids, parents = places.text("id"), places.text("parent_id")
    if ids is None or parents is None:
        return []
    circling = places.kept & _on_circle(_parent_rows(places, ids, parents))
    fix = "Correct the place that it is in. The cell was taken as empty."
    return found(circling, places, ("parent_id", "goes round in a circle", fix), then="empty")


def _parent_rows(places: Draft, ids: Any, parents: Any) -> Rows:
    kept = np.flatnonzero(places.kept)
    found_at = pc.index_in(as_arrow(parents), value_set=as_arrow(ids).filter(places.kept))
    place = pc.fill_null(found_at.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return np.where(place >= 0, kept[place], -1) if len(kept) else place


def _on_circle(parent: Rows) -> Mask:
    """Return which rows lie on a circle: those reached by going up more often than there are rows. Steps double."""
    above = np.append(parent, -1)
    for _ in range(max(1, len(parent)).bit_length() + 1):
        above = above[above]
    circling = np.zeros(len(above), dtype=np.bool_)
    circling[above] = True
    return circling[:-1]


def _is_in(values: Any, known: Any) -> Mask:
    return mask_of(pc.is_in(values, value_set=known, skip_nulls=True))
