"""The lines, switches and transformers of the synthetic utility.

What stands between the busbar of a substation and a low-voltage node::

    bus ─breaker─ head ─line─ trunk ─line─ trunk ─sectionaliser─ middle ─line─ trunk ─line─ corner ─tie (open)─ trunk …
                                │
                               fuse
                                │
                               tap ─line─ primary ─line─ primary …           10 kV, three phases or one
                                             │
                                        transformer
                                             │
                                street ─── busbar ─── street ─── street      0.4 kV
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs import project_geometries
from geo.gazetteer.clusters import Floats, Ints
from geo.schema import CRS, conform
from geo.synth.plan import Texts
from geo.synth.town import Nodes, Town, numbered_ids

_KVA = np.array([30, 50, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500], dtype=float)
_ROAD_POINTS = 4


def lines_of(town: Town) -> gpd.GeoDataFrame:
    """Cables to the trunks, along them and between them; lines along the laterals and along the streets."""
    pieces = [_heads(town), *_sections(town), _tie_lines(town), _lateral_lines(town), *_street_lines(town)]
    return _finished("lines", "L", pieces, town)


def switches_of(town: Town) -> gpd.GeoDataFrame:
    """Breakers, sectionalisers and reclosers, fuses and ties; each is drawn where it leads to."""
    pieces = [_breakers(town), _sectionalisers(town), _fuses(town), _ties(town)]
    return _finished("switches", "SW", pieces, town)


def transformers_of(town: Town, load_kw: Floats) -> gpd.GeoDataFrame:
    """Transformers of a usual size for the load behind each, shape (transformers,)."""
    transformers, at = town.plan.transformers, town.nodes.numbers
    kind = np.where(transformers.is_dedicated, "专变", "公变")
    piece = _switchgear(
        town,
        at["primary"],
        at["busbar"],
        feeder=transformers.feeder,
        name=_say("{}{}号{}", town.feeder_names[transformers.feeder], transformers.number, kind),
        from_phases=transformers.from_phases,
        to_phases=transformers.to_phases,
        connection=transformers.connection,
        ownership=np.where(transformers.is_dedicated, "dedicated", "public"),
        kva=_KVA[np.searchsorted(_KVA[:-1], load_kw / 0.8)],
    )
    return _finished("transformers", "T", [piece], town)


def _heads(town: Town) -> pd.DataFrame:
    """The cable from each breaker along the road of the substation to the first trunk node."""
    trunks, at, grid = town.plan.trunks, town.nodes.numbers, town.nodes.grid_xy
    start, end = grid[at["head"]], grid[at["trunk"]][trunks.row == 0]
    road = start[:, 1] + town.plan.feeders.direction * np.abs(end - start)[:, 0] / 100.0
    east = np.linspace(start[:, 0], end[:, 0], _ROAD_POINTS, axis=1)
    via = np.stack([east, np.broadcast_to(road[:, None], east.shape)], axis=2)
    name = _say("{}出线", town.feeder_names)
    feeder = np.arange(len(town.feeder_names))
    return _cables(town, at["head"], at["trunk"][trunks.row == 0], via=via, feeder=feeder, name=name)


def _sections(town: Town) -> list[pd.DataFrame]:
    """The cables from trunk node to trunk node, behind the switch where there is one, and the second ones beside them."""
    links, at = town.links, town.nodes.numbers
    start, end = at["trunk"][links.sections - 1], at["trunk"][links.sections]
    start[links.is_switched] = at["middle"]
    feeder, row = town.plan.trunks.feeder[links.sections], town.plan.trunks.row[links.sections]
    name = _say("{}干线{}段", town.feeder_names[feeder], row)
    twice = links.is_doubled
    second = _say("{}二回", name[twice])
    return [
        _cables(town, start, end, feeder=feeder, name=name),
        _cables(town, start[twice], end[twice], feeder=feeder[twice], name=second),
    ]


def _tie_lines(town: Town) -> pd.DataFrame:
    ends, at = town.links.ties, town.nodes.numbers
    feeder = town.plan.trunks.feeder[ends]
    name = _say("{}{}联络线", town.feeder_names[feeder[:, 0]], town.feeder_names[feeder[:, 1]])
    start = at["trunk"][ends[:, 0]]
    return _cables(town, start, at["corner"], via=town.tie_paths[:, :-1], feeder=feeder[:, 0], name=name)


def _lateral_lines(town: Town) -> pd.DataFrame:
    """From the fuse to the first transformer of a lateral, and on from each to the next."""
    transformers, laterals, at = town.plan.transformers, town.plan.laterals, town.nodes.numbers
    before = np.where(transformers.slot == 0, at["tap"][transformers.lateral], at["primary"] - 1)
    number = laterals.number[transformers.lateral] + 1
    name = _say("{}{}号支线{}段", town.feeder_names[transformers.feeder], number, transformers.slot + 1)
    phases = transformers.from_phases
    return _cables(town, before, at["primary"], feeder=transformers.feeder, phases=phases, name=name)


def _street_lines(town: Town) -> list[pd.DataFrame]:
    """From the busbar to the two street nodes in the middle and on to the ends; and what closes the rings."""
    streets, transformers, at = town.plan.streets, town.plan.transformers, town.nodes.numbers
    west = streets.rank < streets.of // 2
    at_busbar = (streets.rank == streets.of // 2) | (streets.rank == streets.of // 2 - 1)
    start = np.where(at_busbar, at["busbar"][streets.transformer], at["street"] + np.where(west, 1, -1))
    feeder = transformers.feeder[streets.transformer]
    voltage = np.where(streets.phases == "12", 0.44, 0.4)
    lines = _cables(town, start, at["street"], feeder=feeder, phases=streets.phases, voltage_kv=voltage)
    ends = town.links.rings
    closing = at["street"][ends]
    return [lines, _cables(town, closing[:, 0], closing[:, 1], feeder=feeder[ends[:, 0]], voltage_kv=0.4)]


def _breakers(town: Town) -> pd.DataFrame:
    feeders, at = town.plan.feeders, town.nodes.numbers
    return _switchgear(
        town,
        at["bus"][feeders.substation],
        at["head"],
        feeder=np.arange(len(feeders)),
        kind="breaker",
        name=_say("{}断路器", town.feeder_names),
    )


def _sectionalisers(town: Town) -> pd.DataFrame:
    links, trunks, at = town.links, town.plan.trunks, town.nodes.numbers
    switched = links.sections[links.is_switched]
    feeder = trunks.feeder[switched]
    what = np.where(links.switch_kind == "recloser", "重合器", "分段开关")
    name = _say("{}{}号{}", town.feeder_names[feeder], trunks.row[switched], what)
    return _switchgear(town, at["trunk"][switched - 1], at["middle"], feeder=feeder, kind=links.switch_kind, name=name)


def _fuses(town: Town) -> pd.DataFrame:
    laterals, at = town.plan.laterals, town.nodes.numbers
    return _switchgear(
        town,
        at["trunk"][laterals.trunk],
        at["tap"],
        feeder=laterals.feeder,
        kind="fuse",
        phases=laterals.phases,
        name=_say("{}{}号支线熔断器", town.feeder_names[laterals.feeder], laterals.number + 1),
    )


def _ties(town: Town) -> pd.DataFrame:
    ends, at = town.links.ties, town.nodes.numbers
    feeder = town.plan.trunks.feeder[ends]
    name = _say("{}{}联络开关", town.feeder_names[feeder[:, 0]], town.feeder_names[feeder[:, 1]])
    end = at["trunk"][ends[:, 1]]
    return _switchgear(town, at["corner"], end, feeder=feeder[:, 0], kind="load_break", normal_state="open", name=name)


def _cables(town: Town, start: Ints, end: Ints, *, via: Floats | None = None, **columns: Any) -> pd.DataFrame:
    """Rows of lines between nodes, straight or by points of the grid, shape (lines, points, 2); geometry in metres."""
    path = [town.nodes.xy[start][:, None], town.nodes.xy[end][:, None]]
    if via is not None:
        path.insert(1, town.bend(via.reshape(-1, 2)).reshape(via.shape))
    points = np.concatenate(path, axis=1)
    length_m = np.linalg.norm(np.diff(points, axis=1), axis=2).sum(axis=1).round(1)
    rows = {"from_node": start, "to_node": end, "voltage_kv": 10.0, "length_m": length_m, **columns}
    return pd.DataFrame({**rows, "geometry": shapely.linestrings(points)})


def _switchgear(town: Town, start: Ints, end: Ints, **columns: Any) -> pd.DataFrame:
    """Rows of switches or transformers between nodes, as points in metres."""
    rows = {"from_node": start, "to_node": end, "normal_state": "closed", **columns}
    return pd.DataFrame({**rows, "geometry": shapely.points(town.nodes.xy[end])})


def _finished(table: str, prefix: str, pieces: list[pd.DataFrame], town: Town) -> gpd.GeoDataFrame:
    """One table of the schema from pieces with numbers for nodes and feeders and geometry in metres."""
    rows = pd.concat([piece for piece in pieces if len(piece)], ignore_index=True)
    ids = {column: _nodes(town.nodes, rows[column]) for column in ("from_node", "to_node")}
    geometry = project_geometries(rows["geometry"].to_numpy(), source=town.crs, target=CRS)
    feeder = town.feeder_names[rows["feeder"]]
    return gpd.GeoDataFrame(
        conform(table, rows.assign(id=numbered_ids(prefix, len(rows)), feeder=feeder, geometry=geometry, **ids))
    )


def _nodes(nodes: Nodes, numbers: pd.Series[int]) -> pd.api.extensions.ExtensionArray:
    return nodes.ids.take(numbers.to_numpy())


def _say(form: str, *columns: Any) -> Texts:
    return np.array([form.format(*row) for row in zip(*columns, strict=True)], dtype=object)
