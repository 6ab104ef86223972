"""One server after another on one port: everything is loaded once, and every line read from standard input forks a server.

::

    python -m tests.crash.lives postgresql://…        writes the port
    (a line)                                          forks a server, writes its process id
    (end)                                             ends
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading

import uvicorn

from api.clock import utc_now
from api.settings import Settings
from api.wiring import build_app, build_service
from tests.api.town import make_town
from topology.network import Network, build_network


def main() -> None:
    """Serve life after life, until standard input ends."""
    store = sys.argv[1]
    network = build_network(make_town())
    _warm_up(network)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    _say(listener.getsockname()[1])
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            _live(store, network, listener)
        _say(child)
        threading.Thread(target=os.waitpid, args=(child, 0), daemon=True).start()


def _warm_up(network: Network) -> None:
    """Do once what the first requests of a process would wait for, so that every life is short."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(network="town", store=f"sqlite:///{folder}/warm.db", demo=True)
        build_service(settings, network, now=utc_now()).close()


def _live(store: str, network: Network, listener: socket.socket) -> None:
    """Serve until killed; or until the parent is gone."""
    sys.stdin.close()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    settings = Settings(network="town", store=store)
    uvicorn.Server(uvicorn.Config(build_app(settings, network=network), log_level="error")).run(sockets=[listener])
    os._exit(0)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
