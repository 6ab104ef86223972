"""Coordinates: pyproj is the oracle for metres, the published shift for GCJ-02."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.crs import (
    CrsError,
    gcj02_to_wgs84,
    is_wgs84,
    metric_crs,
    parse_crs,
    project,
    project_geometries,
    to_wgs84,
    wgs84_to_gcj02,
)

GEOD = pyproj.Geod(ellps="WGS84")

# Places in China, far from each other: longitude, latitude.
CITIES = [(116.404, 39.915), (121.473, 31.230), (113.264, 23.129), (87.617, 43.793), (91.132, 29.660), (126.642, 45.757)]

in_china = st.tuples(st.floats(74.0, 134.0), st.floats(18.5, 53.0))
outside = st.one_of(
    st.tuples(st.floats(-180.0, 72.0), st.floats(-90.0, 90.0)),
    st.tuples(st.floats(137.9, 180.0), st.floats(-90.0, 90.0)),
    st.tuples(st.floats(-180.0, 180.0), st.floats(-90.0, 0.8)),
    st.tuples(st.floats(-180.0, 180.0), st.floats(55.9, 90.0)),
)


@pytest.mark.parametrize(("lon", "lat"), CITIES)
def test_gcj02_lies_some_hundred_metres_off(lon: float, lat: float) -> None:
    _, _, metres = GEOD.inv(lon, lat, *wgs84_to_gcj02(lon, lat))
    assert 50.0 < metres < 700.0


def test_gcj02_of_the_square_in_beijing_is_the_published_one() -> None:
    np.testing.assert_allclose(wgs84_to_gcj02(116.404, 39.915), (116.41024449916938, 39.91640428150164), rtol=0, atol=1e-13)


@given(in_china)
def test_gcj02_and_back_is_the_same_place(place: tuple[float, float]) -> None:
    lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02(*place))
    _, _, metres = GEOD.inv(*place, lon, lat)
    assert metres < 1e-6


@given(outside)
def test_gcj02_is_wgs84_outside_of_china(place: tuple[float, float]) -> None:
    assert wgs84_to_gcj02(*place) == place
    assert gcj02_to_wgs84(*place) == place


def test_gcj02_takes_whole_arrays_and_leaves_absent_places_absent() -> None:
    lon, lat = wgs84_to_gcj02([116.404, np.nan, 2.35], [39.915, np.nan, 48.86])
    assert lon[0] > 116.41
    assert np.isnan(lon[1])
    assert np.isnan(lat[1])
    assert (lon[2], lat[2]) == (2.35, 48.86)


@given(st.floats(-179.0, 179.0), st.floats(-70.0, 70.0), st.floats(0.0, 360.0), st.floats(1.0, 50_000.0))
def test_metres_are_true_around_the_middle(lon: float, lat: float, azimuth: float, metres: float) -> None:
    there_lon, there_lat, _ = GEOD.fwd(lon, lat, azimuth, metres)
    local = metric_crs([lon], [lat])
    x, y = project([lon, there_lon], [lat, there_lat], source="EPSG:4326", target=local)
    # The middle is rounded to a millionth of a degree (0.1 m), so 1 m in 10 km is far more than enough.
    assert np.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(metres, rel=1e-5, abs=1e-3)


def test_the_middle_of_places_astride_the_180th_meridian_lies_there() -> None:
    x, _ = project([179.9, -179.9], [-17.0, -17.0], source="EPSG:4326", target=metric_crs([179.9, -179.9], [-17.0, -17.0]))
    assert np.abs(x).max() < 20_000.0


def test_there_is_no_middle_of_no_places() -> None:
    with pytest.raises(CrsError, match="at least one place"):
        metric_crs([np.nan], [np.nan])


@pytest.mark.parametrize("crs", ["EPSG:4326", "OGC:CRS84", "EPSG:4979", pyproj.CRS(4326), pyproj.CRS(4326).to_wkt()])
def test_what_is_wgs84_already_is_not_touched(crs: object) -> None:
    assert is_wgs84(crs)
    lon, lat = to_wgs84([120.123456789012345], [30.1], crs)
    assert (lon[0], lat[0]) == (120.123456789012345, 30.1)


@pytest.mark.parametrize("crs", ["EPSG:25832", "EPSG:3857", "EPSG:4490", "EPSG:31467", "EPSG:4549"])
def test_any_epsg_comes_out_as_longitude_and_latitude(crs: str) -> None:
    lon, lat = (120.1, 30.2) if crs in ("EPSG:4490", "EPSG:4549") else (11.5, 48.1)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    back = to_wgs84([x], [y], crs)
    _, _, metres = GEOD.inv(lon, lat, back[0][0], back[1][0])
    assert metres < 0.01


def test_geometries_come_out_where_geopandas_puts_them() -> None:
    lines = np.array([shapely.LineString([(500000, 5300000), (500100, 5300050)]), None], dtype=object)
    mine = project_geometries(lines, source="EPSG:25832", target="EPSG:4326")
    theirs = gpd.GeoSeries(lines, crs="EPSG:25832").to_crs("EPSG:4326")
    assert shapely.equals_exact(mine[0], theirs.iloc[0], tolerance=1e-12)
    assert mine[1] is None


@pytest.mark.parametrize("crs", ["EPSG:999999", "middle of town", "", "EPSG:5773"])
def test_a_crs_that_is_none_is_refused_with_the_next_step(crs: str) -> None:
    with pytest.raises(CrsError, match=r"Give .*EPSG:4326"):
        parse_crs(crs)
