"""Where the circuits are that belong to others and are not in the repository."""

from __future__ import annotations

from pathlib import Path

IEEE123 = Path(__file__).parents[2] / "shared" / "data" / "ieee123" / "123Bus" / "IEEE123Master.dss"
"""The IEEE 123-node test feeder as OpenDSS is distributed with it."""
