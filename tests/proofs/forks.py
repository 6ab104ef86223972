"""Commands without the wait: everything is imported once, and every line read from standard input forks a process that runs one.

::

    python -m tests.proofs.forks
    {"words": ["serve", …], "log": "/tmp/…/a.log", "user": null}      writes the process id; what the command says goes to the
                                                                      log, and its exit code, in the end, to /tmp/…/a.log.code
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import alembic.command  # noqa: F401
import pyogrio  # noqa: F401

import api.commands.serving
import api.wiring  # noqa: F401
import outages.archive  # noqa: F401
from api.cli import app

LOOK_S = 0.05


def main() -> None:
    """Run command after command, until standard input ends."""
    running: dict[int, str] = {}
    while True:
        _note_ended(running)
        if not select.select([sys.stdin], [], [], LOOK_S)[0]:
            continue
        line = sys.stdin.readline()
        if not line:
            return
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            _run(asked)
        running[pid] = asked["log"]
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _note_ended(running: dict[int, str]) -> None:
    for pid, log in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del running[pid]
            draft = Path(f"{log}.draft")
            draft.write_text(str(os.waitstatus_to_exitcode(status)))
            draft.rename(f"{log}.code")


def _run(asked: dict[str, Any]) -> NoReturn:
    """Run one command, as if it had been started by itself; it ends with its parent."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    if asked["user"] is not None and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(asked["user"])
        os.setuid(asked["user"])
    code = 1
    try:
        app(asked["words"], prog_name="gridnotice")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
