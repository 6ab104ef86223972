"""Somebody who listens to the stream of a server, in a thread."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping

import httpx2

from tests.proofs.running import PATIENCE_S, Json


class Listener(threading.Thread):
    """Keeps what it is told until the server ends: by position, and when each was heard (``time.perf_counter``)."""

    def __init__(self, address: str, headers: Mapping[str, str], cookies: httpx2.Cookies | None = None) -> None:
        super().__init__(daemon=True)
        self._client = httpx2.Client(base_url=address, headers=dict(headers), cookies=cookies, timeout=None)
        self.told: dict[int, Json] = {}
        self.heard_at: dict[int, float] = {}
        self._is_open = threading.Event()
        self.start()
        assert self._is_open.wait(PATIENCE_S), "the stream does not begin"

    @property
    def heard(self) -> set[tuple[str, int]]:
        """The revisions that were told of."""
        return {(told["id"], told["revision"]) for told in tuple(self.told.values())}

    def run(self) -> None:
        """Listen until the server is gone."""
        try:
            with self._client as client, client.stream("GET", "/api/v1/stream") as answer:
                assert answer.status_code == 200
                self._listen(answer.iter_lines())
        except httpx2.TransportError:
            return

    def _listen(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line.startswith("id:"):
                self._is_open.set()
            if line.startswith("data:"):
                told = json.loads(line.removeprefix("data:"))
                self.heard_at[told["position"]] = time.perf_counter()
                self.told[told["position"]] = told
