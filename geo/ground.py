"""Where the customers of a network are, in metres, and which way its lines run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyproj

from geo.clusters import Floats, Ints
from geo.crs import metric_crs, project
from geo.schema import CRS, GridTables


@dataclass(frozen=True, eq=False)
class Ground:
    """Customers on the ground; a site is a position at which one or more nodes have customers.

    Attributes
    ----------
    crs
        Metric CRS of all coordinates here.
    customer_xy
        Position of each customer, shape (customers, 2); NaN where neither its own nor its node's is known.
    customer_site
        Site of each customer, -1 where its position is not known.
    site_xy, weight
        Position of each site (mean of its customers), no two the same; and its number of customers.
    segments, segment_site
        Lines that end at a site: their directions as unit vectors, shape (segments, 2), and the site.
    """

    crs: pyproj.CRS
    customer_xy: Floats
    customer_site: Ints
    site_xy: Floats
    weight: Floats
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
    degrees = tables.customers[["x", "y"]].to_numpy(dtype=np.float64)
    at_node = table.reindex(node_ids).to_numpy(dtype=np.float64)[code]
    degrees = np.where(np.isfinite(degrees).all(axis=1)[:, None], degrees, at_node)
    known = np.isfinite(degrees).all(axis=1)
    if not known.any():
        raise ValueError(
            f"none of the {len(known)} customers has a position, nor has its node. Give x and y of the customers or the nodes."
        )
    crs = metric_crs(*degrees[known].T)
    customer_xy = _metres(degrees, crs)
    node_xy = _means(code[known], customer_xy[known], len(node_ids))
    node_site, site_xy = _sites(node_xy)
    site = np.where(known, node_site[code], -1)
    nodes = pd.DataFrame(node_xy, index=node_ids, columns=["x", "y"])
    table = pd.DataFrame(_metres(table.to_numpy(dtype=np.float64), crs), index=table.index, columns=["x", "y"])
    site_of = pd.Series(node_site, index=node_ids)
    segments, segment_site = _segments(tables.lines, pd.concat([table, nodes]).dropna(), site_of[site_of >= 0])
    weight = np.bincount(site[known]).astype(np.float64)
    return Ground(crs, customer_xy, site, site_xy, weight, segments, segment_site)


def turned(xy: Floats, angle: Floats | float) -> Floats:
    """Coordinates along and across a direction (radians from east); ``angle`` is one for all points or one a point."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([xy[:, 0] * cos + xy[:, 1] * sin, xy[:, 1] * cos - xy[:, 0] * sin])


def _metres(degrees: Floats, crs: pyproj.CRS) -> Floats:
    xy = np.column_stack(project(degrees[:, 0], degrees[:, 1], source=CRS, target=crs))
    return np.where(np.isfinite(xy), xy, np.nan)


def _means(group: Ints, xy: Floats, count: int) -> Floats:
    """Mean position of each group 0 … count-1, NaN where a group has no member."""
    size = np.bincount(group, minlength=count).astype(np.float64)
    size[size == 0] = np.nan
    return np.column_stack([np.bincount(group, axis, minlength=count) / size for axis in xy.T])


def _sites(node_xy: Floats) -> tuple[Ints, Floats]:
    """Site of each node (-1 without a position) and position of each site; nodes less than a centimetre apart share one."""
    known = np.isfinite(node_xy[:, 0])
    site_xy, number = np.unique(np.round(node_xy[known], 2), axis=0, return_inverse=True)
    site = np.full(len(node_xy), -1, dtype=np.int64)
    site[known] = number
    return site, site_xy


def _segments(lines: pd.DataFrame, at: pd.DataFrame, site_of: pd.Series[int]) -> tuple[Floats, Ints]:
    """Directions (unit vectors) of the lines that end at a site, and the site.

    A line ends at a site when its node has customers, or is where such a node is: between the two may be a switch.
    """
    at = at[~at.index.duplicated()]
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
