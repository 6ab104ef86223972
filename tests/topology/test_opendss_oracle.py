"""Our answers against solved voltages: OpenDSS opens every device, whole and phase by phase, and solves the circuit each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings

from geo.formats.opendss import read_opendss
from geo.schema import GridTables
from tests.circuits import IEEE123
from tests.topology.random_circuits import circuits, opendss_text
from tests.topology.solved import CIRCUITS, Opening, answers, compare, solved
from topology.network import build_network
from topology.sketch import text_from_tables


@pytest.mark.parametrize(
    ("circuit", "cases", "exceptions"),
    [
        pytest.param("ieee123", 347, {}, marks=pytest.mark.ieee123),
        # A three-phase load between phases, at 671, feeds the open phase from the other two: 0.43 of its voltage is left there.
        ("ieee13", 50, {("Line.670-671", "B"): {"Load.675b"}}),
        ("ieee37", 155, {}),
    ],
)
def test_the_loads_without_voltage_are_those_that_are_out(circuit: str, cases: int, exceptions: dict[Opening, set[str]]) -> None:
    found = compare(IEEE123 if circuit == "ieee123" else CIRCUITS / f"{circuit}.dss")
    assert (found.cases, found.differs) == (cases, exceptions)


@pytest.mark.parametrize(
    ("circuit", "differing"), [pytest.param("ieee123", 2, marks=pytest.mark.ieee123), ("ieee13", 7), ("ieee37", 76)]
)
def test_measured_across_their_windings_only_loads_between_phases_differ(circuit: str, differing: int) -> None:
    """What is left between a live phase and a lost one hangs on the other loads there (0 to 0.58), so we say partial."""
    path = IEEE123 if circuit == "ieee123" else CIRCUITS / f"{circuit}.dss"
    found, windings = compare(path, across=True), solved(path).windings
    between = {load for load, pairs in windings.items() if all(0 not in pair for pair in pairs)}
    loads = set().union(*found.differs.values())
    assert len(found.differs) == differing
    assert loads - {"Load.675b"} <= between


BANK = """
clear
new circuit.bank basekv=12.47 bus1=s r1=0.01 x1=0.1 r0=0.01 x0=0.1
new line.feeder bus1=s bus2=m r1=0.01 x1=0.02 r0=0.02 x0=0.04 c1=0 c0=0
new line.other bus1=s bus2=o r1=0.01 x1=0.02 r0=0.02 x0=0.04 c1=0 c0=0
{units}
new line.service bus1=x bus2=y r1=0.0001 x1=0.0001 r0=0.0001 x0=0.0001 c1=0 c0=0
{loads}
set voltagebases=[12.47 0.4 0.24]
calcvoltagebases
"""

_WYE = [f"bus1=y.{node} phases=1 kv=0.231 kw=30" for node in (1, 2, 3)] + ["bus1=y phases=3 kv=0.4 kw=30"]
_DELTA = ["bus1=y phases=3 conn=delta kv=0.4 kw=60"]
_BETWEEN = [f"bus1=y.{pair} phases=1 conn=delta kv=0.4 kw=30" for pair in ("1.2", "2.3", "3.1")] + _DELTA
_LEGS = [f"bus1=y.{node} phases=1 kv=0.12 kw=15" for node in (1, 2)]
_FOUR_WIRES = [*_LEGS, "bus1=y phases=3 conn=delta kv=0.24 kw=30"]


def _three(connection: str, *, neutral: str = "") -> list[str]:
    primary, secondary = connection.split("_")
    return [f"phases=3 buses=[m{neutral} x] conns=[{primary} {secondary}] kvs=[12.47 0.4] kvas=[500 500] xhl=4 %rs=[0.5 0.5]"]


def _single(*units: tuple[str, str], kv: float = 0.4) -> list[str]:
    """Single-phase units from nodes of m to nodes of x."""
    rows = []
    for start, end in units:
        kvs = f"{12.47 if '.' in start else 7.2} {kv if '.' in end else round(kv / 3**0.5, 3)}"
        rows.append(f"phases=1 buses=[m.{start} x.{end}] kvs=[{kvs}] kvas=[200 200] xhl=3 %rs=[0.5 0.5]")
    return rows


def _tapped(start: str) -> str:
    kv = 12.47 if "." in start else 7.2
    return f"phases=1 windings=3 buses=[m.{start} x.1.0 x.0.2] kvs=[{kv} 0.12 0.12] kvas=[200 200 200] xhl=2 xht=2 xlt=1.4"


def _three_windings(buses: str, conns: str, *, phases: int = 3) -> str:
    kvs = "7.2 0.231 0.24" if phases == 1 else "12.47 0.4 0.24"
    sides = f"buses=[{buses}] conns=[{conns}] kvs=[{kvs}] kvas=[500 500 500]"
    return f"phases={phases} windings=3 {sides} xhl=3 xht=3 xlt=3 %rs=[0.5 0.5 0.5]"


BANKS = {
    "wye_wye": (_three("wye_wye"), _WYE),
    "delta_wye": (_three("delta_wye"), _WYE),
    "wye_delta": (_three("wye_delta"), _BETWEEN),
    "delta_delta": (_three("delta_delta"), _BETWEEN),
    "wye_wye, neutral not earthed": (_three("wye_wye", neutral=".1.2.3.4"), _WYE),
    "wye_delta, neutral not earthed": (_three("wye_delta", neutral=".1.2.3.4"), _DELTA),
    "three units wye_wye": (_single(("1", "1"), ("2", "2"), ("3", "3")), _WYE),
    "three units delta_wye": (_single(("1.2", "1"), ("2.3", "2"), ("3.1", "3")), _WYE),
    "three units wye_delta": (_single(("1", "1.2"), ("2", "2.3"), ("3", "3.1")), _BETWEEN),
    "three units delta_delta": (_single(("1.2", "1.2"), ("2.3", "2.3"), ("3.1", "3.1")), _BETWEEN),
    "open delta": (_single(("1.2", "1.2"), ("2.3", "2.3")), _BETWEEN),
    "open delta to two phases of a wye": (_single(("1.2", "1"), ("2.3", "2")), _WYE[:2]),
    "open wye to open delta": (_single(("1", "1.2"), ("2", "2.3")), _DELTA),
    "two phases to one": (_single(("1.2", "1")), _WYE[:1]),
    "one phase to two": (_single(("3", "1.2")), _BETWEEN[:1]),
    "one phase to another": (_single(("3", "1")), _WYE[:1]),
    "three windings, one a closed delta": ([_three_windings("m x z", "wye wye delta")], _WYE),
    "three windings, each a wye": ([_three_windings("m x z", "wye wye wye")], _WYE),
    "three units with a closed delta": (
        [_three_windings(f"m.{n} x.{n} z.{n}.{n % 3 + 1}", "wye wye delta", phases=1) for n in (1, 2, 3)],
        _WYE,
    ),
    "centre-tapped from one phase": ([_tapped("2")], _LEGS),
    "centre-tapped from two phases": ([_tapped("2.3")], _LEGS),
    "four wires from an open wye": ([_tapped("1"), *_single(("3", "3.1"), kv=0.24)], _FOUR_WIRES),
    "four wires from an open delta": ([_tapped("1.2"), *_single(("2.3", "2.3"), kv=0.24)], _FOUR_WIRES),
    "four wires from a wye": ([_tapped("1"), *_single(("2", "2.3"), ("3", "3.1"), kv=0.24)], _FOUR_WIRES),
}


def _write(folder: Path, units: list[str], loads: list[str]) -> Path:
    path = folder / "bank.dss"
    text = {
        "units": "\n".join(f"new transformer.t{number} {unit}" for number, unit in enumerate(units, start=1)),
        "loads": "\n".join(f"new load.c{number} {load}" for number, load in enumerate(loads, start=1)),
    }
    path.write_text(BANK.format(**text))
    return path


# With two phases lost, by the device that loses them and in this order of phases: AB, BC, AC.
_EXCEPTIONS: dict[str, tuple[set[str], set[str], set[str]]] = {
    # The third winding of a wye has no return but through earth: where the neutral is not earthed, its phase is dead too.
    "wye_wye, neutral not earthed": ({"Load.c3", "Load.c4"}, {"Load.c1", "Load.c4"}, {"Load.c2", "Load.c4"}),
    # Two units in series across the third keep half: unit by unit only what is wholly alive is followed back.
    "three units with a closed delta": ({"Load.c1", "Load.c2"}, {"Load.c2", "Load.c3"}, {"Load.c1", "Load.c3"}),
    # The two dead windings of the closed delta are in series; the centre-tapped one carries more, and is left with 0.2.
    "four wires from a wye": ({"Load.c1"}, set(), {"Load.c2"}),
}


@pytest.mark.parametrize("name", BANKS)
def test_a_bank_loses_one_phase_or_two_as_its_windings_are_joined(name: str, tmp_path: Path) -> None:
    path = _write(tmp_path, *BANKS[name])
    units = tuple(f"Transformer.t{number}" for number in range(1, len(BANKS[name][0]) + 1))
    found = compare(path, most=2, only=("Line.feeder", "Line.other", *units))
    several = _EXCEPTIONS.get(name, (set(), set(), set()))
    for phases, loads in zip(("AB", "BC", "AC"), several, strict=True):
        for device in ("Line.feeder", "Transformer.t1") if name.startswith("wye_wye") else ("Line.feeder",):
            assert found.differs.pop((device, phases), set()) == loads
    assert found.differs == {}
    assert compare(path, only=("Line.service",)).differs == {}


_AT_MV = [f"bus1=m.{node} phases=1 kv=7.2 kw=300" for node in (1, 2, 3)]
_UNEQUAL = [f"bus1=y.{node} phases=1 kv=0.231 kw={kw}" for node, kw in ((1, 20), (2, 40), (3, 80))]


@pytest.mark.parametrize(
    ("units", "loads", "opened", "out", "shares"),
    [
        # Too many: customers with a load to earth hold the lost phases near earth, and windings between phases keep 0.55.
        (_three("delta_wye"), [_WYE[3], *_AT_MV], "AB", {"Load.c1", "Load.c2", "Load.c3"}, {"Load.c1": [0.56, 0.0, 0.56]}),
        (_single(("1.2", "1")), [_WYE[0], *_AT_MV], "A", {"Load.c1", "Load.c2"}, {"Load.c1": [0.56], "Load.c2": [0.03]}),
        # Too many: a wye-delta bank whose neutral is earthed feeds the lost phase of its primary back.
        (_three("wye_delta"), [_DELTA[0], _AT_MV[0]], "A", {"Load.c2"}, {"Load.c2": [0.83]}),
        # Too few: two windings in series share the voltage as their loads are, here 2 : 1.
        (_three("delta_wye"), _UNEQUAL, "A", set(), {"Load.c1": [0.67], "Load.c2": [0.33], "Load.c3": [1.0]}),
    ],
)
def test_the_rule_errs_only_as_it_says(
    units: list[str], loads: list[str], opened: str, out: set[str], shares: dict[str, list[float]], tmp_path: Path
) -> None:
    path = _write(tmp_path, units, loads)
    assert answers(build_network(read_opendss(path)), [("Line.feeder", opened)]) == [out]
    circuit = solved(path)
    kept = {load: circuit.share(load, ("Line.feeder", opened)) for load in shares}
    assert kept == {load: pytest.approx(share, abs=0.03) for load, share in shares.items()}


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=circuits())
def test_random_networks_are_read_as_they_were_and_lose_who_has_no_voltage(tmp_path: Path, drawn: tuple[str, GridTables]) -> None:
    kind, grid = drawn
    path = tmp_path / "random.dss"
    path.write_text(opendss_text(grid))
    assert _said(read_opendss(path)) == _said(grid)
    found = compare(path)
    event(kind)
    assert found.cases > 0
    assert found.differs == {}


def _said(grid: GridTables) -> set[str]:
    """What a network says to tracing, line by line."""
    return set(text_from_tables(grid).lower().splitlines())
