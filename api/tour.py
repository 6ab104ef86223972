"""The demonstration and the server: a whole service on the example network, as files or in a browser."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import uvicorn

from api.clock import utc_now
from api.handover import HandoverProtocol
from api.intake import load_network
from api.lists import affected_csv
from api.logs import set_up_logging
from api.mapping import outage_map
from api.report import impact_json, impact_text
from api.service import Service
from api.settings import Settings
from api.wiring import build_app, build_service
from notices.rules import CHANNELS
from outages.events import Outage
from topology.network import Network

EXAMPLE = Path(__file__).parent.parent / "examples" / "urban.gpkg"

Say = Callable[[str], None]


def write_example(out: Path, *, say: Say) -> str:
    """Write impact.json, customers.csv, both notices and map.html of one example outage to ``out``; return a summary."""
    say(f"Reading {EXAMPLE.name} …")
    with tempfile.TemporaryDirectory() as scratch:
        service, outage = _example(Path(scratch))
        impact = service.preview(outage.facts.switching)
        out.mkdir(parents=True, exist_ok=True)
        files = {
            "impact.json": impact_json(impact),
            "customers.csv": affected_csv(impact, outage.facts, zone=service.utility.zone).decode(),
            "map.html": outage_map(service, outage, "zh"),
        }
        files |= {
            f"notice.{notice.language}.txt": f"{notice.title}\n\n{notice.body}\n" for notice in service.list_notices(outage)
        }
        for name, text in files.items():
            (out / name).write_text(text, encoding="utf-8", newline="")
    return f"{impact_text(impact)}\n\nWrote {', '.join(files)} to {out}/"


def serve_demo(port: int, *, say: Say) -> None:
    """Serve the example network with three example outages; what is entered is gone when the server stops."""
    with tempfile.TemporaryDirectory(prefix="gridnotice-demo-") as scratch:
        say("Demonstration on a published network (SimBench, urban) with synthetic places; outages are kept until it stops.")
        outbox = Path(scratch) / "outbox"
        say(f"Nothing is sent to anybody: what is issued appears as files in {outbox}.")
        settings = _settings(Path(scratch)).model_copy(update={"channels": _drop_all(outbox)})
        run_server(settings, host="127.0.0.1", port=port, say=say)


def run_server(settings: Settings, *, host: str, port: int, say: Say, network: Network | None = None) -> None:
    """Serve until interrupted, on ``network`` where it is loaded already."""
    set_up_logging()
    if network is None:
        say(f"Reading {settings.network} …")
    config = uvicorn.Config(
        build_app(settings, network=network),
        host=host,
        port=port,
        http=HandoverProtocol,
        log_config=None,  # ours, a line an event
        log_level="warning",
        access_log=False,
        # An open stream would keep the server from stopping.
        timeout_graceful_shutdown=3,
        server_header=False,
        proxy_headers=False,  # the guard believes proxies, and only those that the settings name
    )
    if host not in settings.hosts and "*" not in settings.hosts:
        say(f"Only requests to {', '.join(settings.hosts)} are answered. Name more in GRIDNOTICE_HOSTS, as a JSON list.")
    say(f"Serving on http://{host}:{port}/  (Ctrl+C stops it)")
    uvicorn.Server(config).run()


def _settings(scratch: Path) -> Settings:
    return Settings(network=str(EXAMPLE), store=f"sqlite:///{scratch}/demo.db", demo=True)


def _drop_all(outbox: Path) -> Path:
    """Write a file of channels that makes a file of every message."""
    outbox.mkdir()
    channels = outbox / "channels.toml"
    channels.write_text("".join(f'[{channel}]\nadapter = "folder"\nfolder = "."\n\n' for channel in CHANNELS), encoding="utf-8")
    return channels


def _example(scratch: Path) -> tuple[Service, Outage]:
    settings, now = _settings(scratch), utc_now()
    service = build_service(settings, load_network(settings.network), now=now)
    return service, service.board(now).planned[-1]
