"""What the tests of the maps share: a town."""

from __future__ import annotations

import pytest

from tests.maps.town import make_town
from topology.network import Network


@pytest.fixture(scope="session")
def town() -> Network:
    """Six transformers with 40, 12, 6, 3, 30 and 20 customers."""
    return make_town((40, 12, 6, 3, 30, 20))
