"""One deliverer after another: everything is loaded once, and every line read from standard input forks one.

::

    python -m tests.notices.delivering STORE GATEWAY FOLDER      writes "ready"
    (a line)                                                     forks a deliverer, writes its process id
    (end)                                                        ends
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from api.clock import utc_now
from notices.channels.drops import FolderDrop
from notices.channels.web import Line, SmsGateway
from notices.deliver import Deliverer
from notices.outbox import Backoff, Outbox
from outages.database import open_database
from tests.notices.posting import texts_of

LEASE_S = 0.4
"""Short, so that what a dead one held is soon free; longer than the gateway takes for a batch."""


def main() -> None:
    """Deliver life after life, until standard input ends."""
    say("ready")
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            live(*sys.argv[1:])
        say(str(child))
        threading.Thread(target=os.waitpid, args=(child, 0), daemon=True).start()


def live(store: str, gateway: str, folder: str) -> None:
    """Deliver until killed; or until the parent is gone."""
    sys.stdin.close()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    outbox = Outbox(open_database(store), backoff=Backoff(first_s=0.1, most_s=0.1, attempts=1000))
    adapters = {"sms": SmsGateway(Line(gateway, timeout_s=1), batch=5), "newspaper": FolderDrop(Path(folder))}
    deliverer = Deliverer(outbox, texts_of, adapters, name=f"life {os.getpid()}", lease_s=LEASE_S)
    while True:
        if not deliverer.deliver_once(utc_now()).taken:
            time.sleep(0.02)


def say(words: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def end_with(parent: int) -> None:
    """Die when the parent has."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
