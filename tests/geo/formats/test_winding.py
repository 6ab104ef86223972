"""Vector groups, as type plates and published data write them."""

from __future__ import annotations

import pytest

from geo.formats.winding import connection_of
from geo.schema import CONNECTIONS


@pytest.mark.parametrize(
    ("text", "secondary", "tertiary"),
    [
        ("Dyn5", "delta_wye", None),
        ("YNd5", "wye_delta", None),
        ("Yy0", "wye_wye", None),
        ("YNyn", "wye_wye", None),
        ("Dd0", "delta_delta", None),
        ("Yzn5", "delta_wye", None),
        ("Dyn", "delta_wye", None),
        ("YN0yn0yn0", "wye_wye", "wye_wye"),
        ("YN0yn0d5", "wye_wye", "wye_delta"),
        ("0.4 MVA 10/0.4 kV Dyn5 ASEA", "delta_wye", None),
        ("63 MVA 110/10 kV YNd5", "wye_delta", None),
        ("0.16 MVA 20/0.4 kV DOTE 160/20  SGB", None, None),
        ("350MVA_380/110", None, None),
        ("Typ_x_380/220", None, None),
        ("", None, None),
        (None, None, None),
        (float("nan"), None, None),
    ],
)
def test_a_vector_group_names_the_connection_of_each_winding(text: object, secondary: str | None, tertiary: str | None) -> None:
    assert connection_of(text) == secondary
    assert connection_of(text, winding=2) == tertiary
    assert {secondary, tertiary} - {None} <= set(CONNECTIONS)
