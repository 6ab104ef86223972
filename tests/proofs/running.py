"""Real servers for the proofs, and people at them: the command line in a process of its own, forms and cookies over HTTP."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from api.people.sessions import COOKIE
from tests.api.terminal import in_a_process, run

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
"""How long anything may take that takes seconds on a quiet machine."""

PASSWORD = "violet harbour 47"
PEOPLE = {"ada": "admin", "ana": "control", "ben": "approver", "vic": "viewer"}

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Server:
    """A process that runs ``gridnotice serve``."""

    address: str
    pid: int
    log: Path
    ended: Callable[[], int | None]

    @property
    def says(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(encoding="utf-8")

    def get(self, path: str) -> httpx2.Response:
        """Ask as somebody who has not signed in."""
        return httpx2.get(self.address + path, timeout=PATIENCE_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        if self.ended() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
        return soon(self.ended, "the server has ended")

    def is_answering(self) -> bool:
        assert self.ended() is None, f"the server has ended:\n{self.says}"
        try:
            return httpx2.get(f"{self.address}/health/live", timeout=PATIENCE_S).status_code == 200
        except httpx2.TransportError:
            return False


def soon(is_so: Callable[[], T | None], what: str, *, within_s: float = PATIENCE_S, every_s: float = 0.02) -> T:
    """Return what ``is_so`` returns, as soon as that is neither None nor false."""
    until = time.monotonic() + within_s
    while (found := is_so()) is None or found is False:
        assert time.monotonic() < until, f"not within {within_s} s: {what}"
        time.sleep(every_s)
    return found


class Forks:
    """Starts commands in processes that have everything imported already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        command = [sys.executable, "-m", "tests.proofs.forks"]
        self._parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, *words: object, user: int | None = None) -> Server:
        """Start a command, as the system's user with that number where the tests may do so."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        log = self._folder / f"{next(self._numbers)}.log"
        self._parent.stdin.write(json.dumps({"words": [str(word) for word in words], "log": str(log), "user": user}) + "\n")
        self._parent.stdin.flush()
        pid = int(self._parent.stdout.readline())

        def ended() -> int | None:
            code = Path(f"{log}.code")
            return int(code.read_text()) if code.exists() else None

        return Server("", pid, log, ended)

    def begin(self, network: Path, store: str) -> Server:
        """Start a server and return at once."""
        port = free_port()
        started = self.run("serve", "--network", network, "--store", store, "--port", port)
        return Server(f"http://127.0.0.1:{port}", started.pid, started.log, started.ended)

    @contextmanager
    def serve(self, network: Path, *stores: str) -> Iterator[list[Server]]:
        """Start a server on each store, and yield them when they answer; all are ended afterwards."""
        servers = [self.begin(network, store) for store in stores]
        try:
            for server in servers:
                soon(server.is_answering, "the server answers", every_s=0.05)
            yield servers
        finally:
            for server in servers:
                server.end()

    def close(self) -> None:
        """End everything that was started."""
        with self._parent:
            assert self._parent.stdin is not None
            self._parent.stdin.close()


@contextmanager
def serve_by_itself(network: Path, store: str, log: Path) -> Iterator[Server]:
    """Serve by the installed command, in a process that begins from nothing."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "gridnotice"), "serve", "--network", str(network), "--store", store]
    with log.open("w") as says, subprocess.Popen([*command, "--port", str(port)], stdout=says, stderr=says) as process:
        server = Server(f"http://127.0.0.1:{port}", process.pid, log, process.poll)
        try:
            soon(server.is_answering, "the server answers", every_s=0.1)
            yield server
        finally:
            server.end()


def free_port() -> int:
    """Return a port below those that the system gives to outgoing connections, so that none takes it before the server does."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def make_accounts(store: str, *, first_by_itself: bool = False) -> None:
    """Make the first administrator and the others on the command line; the store is made with it."""
    for name, role in PEOPLE.items():
        words = ("account", "add", name, "--role", role, "--password-stdin", "--store", store)
        if first_by_itself and name == "ada":
            done = in_a_process(*words, typed=f"{PASSWORD}\n")
            assert done.returncode == 0, done.stderr
        else:
            made = run(*words, typed=f"{PASSWORD}\n")
            assert made.exit_code == 0, made.output


def make_token(store: str, *permissions: str) -> str:
    """Return the token of a program."""
    may = [word for one in permissions for word in ("--may", one)]
    made = run("token", "add", "proof", *may, "--store", store)
    assert made.exit_code == 0, made.output
    return made.stdout.strip()


class Person:
    """Somebody who has signed in by the form, with the cookie and the word that forms need."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self.client = httpx2.Client(base_url=server.address, timeout=PATIENCE_S)
        answer = self.client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert (answer.status_code, answer.headers.get("location")) == (303, "/"), answer.text
        assert COOKIE in self.client.cookies
        word = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/account").text)
        assert word is not None
        self.client.headers["X-CSRF-Token"] = word[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()

    def ask(self, path: str, **query: Any) -> Any:
        """Return what is at ``path``, as JSON."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def enter(self, body: Json) -> Json:
        """Enter an outage."""
        return _told(self.client.post("/api/v1/outages", json=body))

    def revise(self, outage: Json, body: Json) -> Json:
        """Give an outage other facts."""
        return _told(self.client.put(f"/api/v1/outages/{outage['id']}", json=body, headers=_seen(outage)))

    def take(self, outage: Json, to: str, **more: Any) -> Json:
        """Take the next step in the life of an outage."""
        return _told(self.try_step(outage, to, **more))

    def try_step(self, outage: Json, to: str, **more: Any) -> httpx2.Response:
        """Try to take the next step."""
        return self.client.post(f"/api/v1/outages/{outage['id']}/transitions", json={"to": to, **more}, headers=_seen(outage))


def _seen(outage: Json) -> dict[str, str]:
    return {"If-Match": f'"{outage["revision"]}"'}


def _told(answer: httpx2.Response) -> Json:
    assert answer.status_code in (200, 201), answer.text
    told: Json = answer.json()
    return told
