"""How the windings of a transformer are connected, from the vector group that its type plate names."""

from __future__ import annotations

import re

VECTOR_GROUP = re.compile(r"(?<![A-Za-z])(Y|D|Z)N?\d*(y|d|z)n?\d*(?:(y|d|z)n?\d*)?(?![A-Za-z])")

_WORDS = {
    "Yy": "wye_wye",
    "Yd": "wye_delta",
    "Dy": "delta_wye",
    "Dd": "delta_delta",
    # Each phase behind a zigzag winding comes from two phases before it, as behind delta-wye.
    "Yz": "delta_wye",
    "Dz": "delta_wye",
}


def connection_of(text: object, *, winding: int = 1) -> str | None:
    """Return the connection that a vector group in ``text`` stands for, or None where there is none.

    ``text`` may be the group alone or the name of a type that holds it. ``winding`` is 1 for the secondary, 2 for the
    tertiary of a three-winding transformer.

    >>> connection_of("0.4 MVA 10/0.4 kV Dyn5 ASEA"), connection_of("YNd5"), connection_of("25 MVA 110/20 kV")
    ('delta_wye', 'wye_delta', None)
    """
    found = VECTOR_GROUP.search(text) if isinstance(text, str) else None
    if found is None:
        return None
    return _WORDS.get(found.group(1) + (found.group(1 + winding) or ""))
