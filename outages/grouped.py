"""Group commit: what several threads ask for at once is carried out together, and waits for the disk once.

::

    thread 1  ─ask─▶ leads ─── transaction with {1} ─── answer
    thread 2  ────ask─▶ waits ··················· leads ─── transaction with {2, 3, 4} ─── answer
    thread 3  ─────ask─▶ waits ······························································ answer
    thread 4  ──────ask─▶ waits ····························································· answer

Nobody waits for a clock: who comes alone goes at once, and who comes while the disk is busy shares the next turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Turn(Generic[Asked, Answer]):
    """One request and what became of it: ``answer``, or ``error``."""

    __slots__ = ("answer", "asked", "error", "is_over", "wake")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.is_over = False
        self.wake = threading.Lock()
        self.wake.acquire()


class GroupCommit(Generic[Asked, Answer]):
    """``carry_out`` gets all that waits; it sets each turn's answer or error, and what it raises is the error of every turn."""

    def __init__(self, carry_out: Callable[[Sequence[Turn[Asked, Answer]]], None]) -> None:
        self._carry_out = carry_out
        self._mutex = threading.Lock()
        self._waiting: list[Turn[Asked, Answer]] = []
        self._is_led = False

    def submit(self, asked: Asked) -> Answer:
        """Return the answer when it is carried out, or raise its error."""
        turn: Turn[Asked, Answer] = Turn(asked)
        with self._mutex:
            self._waiting.append(turn)
            leads = not self._is_led
            self._is_led = True
        if not leads:
            turn.wake.acquire()  # until somebody has carried it out, or has left the lead to this thread
        if not turn.is_over:
            self._lead()
        if turn.error is not None:
            raise turn.error
        assert turn.answer is not None
        return turn.answer

    def _lead(self) -> None:
        with self._mutex:
            batch, self._waiting = self._waiting, []
        try:
            self._carry_out(batch)
        except BaseException as error:  # whoever waits must hear of it, whatever it is
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._release(batch)

    def _release(self, batch: Sequence[Turn[Asked, Answer]]) -> None:
        with self._mutex:
            heir = self._waiting[0] if self._waiting else None
            self._is_led = heir is not None
        for turn in batch:
            turn.is_over = True
            turn.wake.release()
        if heir is not None:
            heir.wake.release()


def _fail(batch: Sequence[Turn[Asked, Answer]], error: BaseException) -> None:
    """Give each its own copy, since each thread that raises one writes its trace into it."""
    for number, turn in enumerate(batch):
        turn.answer = None
        if turn.error is None:
            turn.error = error if number == 0 else _copied(error)


def _copied(error: BaseException) -> BaseException:
    try:
        copied = type(error)(*error.args)
    except TypeError:
        return error
    copied.__cause__ = error.__cause__
    return copied
