"""Where the customers of a network are, in metres, and which way its lines run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from geo.crs import metric_crs, project
from geo.gazetteer.clusters import Flags, Floats, Ints
from geo.schema import CRS, GridTables


@dataclass(frozen=True, eq=False)
class Ground:
    """Customers on the ground. A stop is a node that has customers; a site is a position at which there are one or more stops.

    Attributes
    ----------
    crs
        Metric CRS of all coordinates here.
    customer_xy
        Position of each customer, shape (customers, 2); NaN where neither its own nor its node's is known.
    customer_stop
        Stop of each customer, -1 where its position is not known.
    node_xy
        Position of every node that has one: columns x and y, by id.
    stop_node, stop_xy, stop_site, weight
        Of each stop: the id of its node, the mean position of its customers, its site, its number of customers.
    site_xy
        Position of each site, no two the same.
    segments, segment_site
        Lines that end at a site: their directions as unit vectors, shape (segments, 2), and the site.
    """

    crs: pyproj.CRS
    customer_xy: Floats
    customer_stop: Ints
    node_xy: pd.DataFrame
    stop_node: NDArray[np.object_]
    stop_xy: Floats
    stop_site: Ints
    weight: Floats
    site_xy: Floats
    segments: Floats
    segment_site: Ints

    def axes(self, group: Ints) -> Floats:
        """Main direction of the lines in each group of sites, in radians from east, between -π/2 and π/2.

        Every line counts once, however long. Where a group has no line, the direction in which its sites lie.
        """
        off_centre = self.site_xy - self._centres(group)[group]
        vectors = np.vstack([self.segments, off_centre * 1e-9])
        of = np.concatenate([group[self.segment_site], group])
        east, north = vectors.T
        mixed = np.bincount(of, 2.0 * east * north)
        angle: Floats = 0.5 * np.arctan2(mixed, np.bincount(of, east**2 - north**2))
        return angle

    def _centres(self, group: Ints) -> Floats:
        size = np.bincount(group)
        return np.column_stack([np.bincount(group, axis) / size for axis in self.site_xy.T])


def ground_of(tables: GridTables) -> Ground:
    """Find where the customers are: at their own coordinates, or else at their node's.

    Raises
    ------
    ValueError
        No customer has a position.
    """
    table = tables.nodes.drop_duplicates("id").set_index("id")[["x", "y"]]
    code, node_ids = pd.factorize(tables.customers["node"])
    degrees = _degrees(tables.customers, table.reindex(node_ids).to_numpy(dtype=np.float64)[code])
    known = _are_finite(degrees)
    crs = metric_crs(*degrees[known].T)
    customer_xy = _metres(degrees, crs)
    stop = np.full(len(known), -1, dtype=np.int64)
    codes, stop[known] = np.unique(code[known], return_inverse=True)
    stop_node = np.asarray(node_ids, dtype=object)[codes]
    weight = np.bincount(stop[known]).astype(np.float64)
    stop_xy = np.column_stack([np.bincount(stop[known], axis) / weight for axis in customer_xy[known].T])
    site_xy, stop_site = np.unique(np.round(stop_xy, 2), axis=0, return_inverse=True)  # a centimetre apart is two sites
    node_xy = _node_positions(table, crs, pd.DataFrame(stop_xy, stop_node, ["x", "y"]))
    segments, segment_site = _segments(tables.lines, node_xy, pd.Series(stop_site, stop_node))
    return Ground(
        crs=crs,
        customer_xy=customer_xy,
        customer_stop=stop,
        node_xy=node_xy,
        stop_node=stop_node,
        stop_xy=stop_xy,
        stop_site=stop_site,
        weight=weight,
        site_xy=site_xy,
        segments=segments,
        segment_site=segment_site,
    )


def turned(xy: Floats, angle: Floats | float) -> Floats:
    """Coordinates along and across a direction (radians from east); ``angle`` is one for all points or one a point."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([xy[:, 0] * cos + xy[:, 1] * sin, xy[:, 1] * cos - xy[:, 0] * sin])


def _degrees(customers: pd.DataFrame, at_node: Floats) -> Floats:
    """Longitude and latitude of each customer, NaN where not known; ``at_node`` is where their nodes are."""
    own = customers[["x", "y"]].to_numpy(dtype=np.float64)
    degrees = np.where(_are_finite(own)[:, None], own, at_node)
    if not _are_finite(degrees).any():
        count = len(customers)
        raise ValueError(
            f"none of the {count} customers has a position, nor has its node. Give x and y of the customers or the nodes."
        )
    return degrees


def _are_finite(xy: Floats) -> Flags:
    return np.asarray(np.isfinite(xy).all(axis=1))


def _metres(degrees: Floats, crs: pyproj.CRS) -> Floats:
    xy = np.column_stack(project(degrees[:, 0], degrees[:, 1], source=CRS, target=crs))
    return np.where(np.isfinite(xy), xy, np.nan)


def _node_positions(table: pd.DataFrame, crs: pyproj.CRS, stops: pd.DataFrame) -> pd.DataFrame:
    """Where nodes are: as the table says, in degrees, else where their customers are."""
    xy = _metres(table.to_numpy(dtype=np.float64), crs)
    told = _are_finite(xy)
    others = stops[~stops.index.isin(table.index[told])]
    ids = np.concatenate([table.index[told].to_numpy(dtype=object), others.index.to_numpy(dtype=object)])
    return pd.DataFrame(np.vstack([xy[told], others.to_numpy()]), ids, ["x", "y"])


def _segments(lines: pd.DataFrame, at: pd.DataFrame, site_of: pd.Series[int]) -> tuple[Floats, Ints]:
    """Directions (unit vectors) of the lines that end at a site, and the site.

    A line ends at a site when its node has customers, or is where such a node is: between the two may be a switch.
    """
    xy = at.to_numpy(dtype=np.float64)
    place = np.unique(np.round(xy, 2), axis=0, return_inverse=True)[1].ravel()
    site_of_place = np.full(len(at), -1, dtype=np.int64)
    site_of_place[place[at.index.get_indexer(site_of.index)]] = site_of
    start, end = (at.index.get_indexer(pd.Index(lines[column])) for column in ("from_node", "to_node"))
    known = (start >= 0) & (end >= 0)
    start, end = start[known], end[known]
    site = np.where(site_of_place[place[end]] >= 0, site_of_place[place[end]], site_of_place[place[start]])
    vectors = xy[end] - xy[start]
    length = np.linalg.norm(vectors, axis=1)
    kept = (length > 0.01) & (site >= 0)
    return vectors[kept] / length[kept, None], site[kept]
