"""Parcels as files in a folder from which a newspaper, a station or a print shop takes them.

A file appears whole or not at all: it is written under a hidden name, flushed to disk and then linked to its own, which never
takes the place of another file. What lies in the folder counts as accepted: it is the receiver's from then on.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from notices.channels.parcel import ChannelError, Outcome, Parcel, shown
from notices.facts import NoticeError

_MARK = 12  # hexadecimal digits of the mark in a file's name: enough to tell the parcels of one folder apart
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)  # FAT, and some shares


class FolderDrop:
    """Writes a text file (UTF-8) for each parcel: ``7.1-newspaper-en-9c21b4d07a11.txt``, the title first where there is one.

    The same parcel once more finds its file and is accepted; another text under the same name is refused, and the file that is
    there stays as it is.
    """

    batch = 50

    def __init__(self, folder: Path) -> None:
        self._folder = _checked(folder)

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Write a file for each parcel."""
        return [self._write(parcel) for parcel in parcels]

    def _write(self, parcel: Parcel) -> Outcome:
        slot = "" if parcel.slot_s is None else f"-{parcel.slot_s}s"
        stem = _plain(f"{parcel.notice_id}-{parcel.channel}-{parcel.language}{slot}")
        content = f"{parcel.title}\n\n{parcel.text}\n" if parcel.title else f"{parcel.text}\n"
        return _drop(self._folder / f"{stem}-{parcel.mark[:_MARK]}.txt", content.encode())


class LetterDrop:
    """Writes letters, one document for each batch of a notice and language, with a list of what is in it beside it.

    ::

        7.1-letter-en-5d0c….json    {"document": "7.1-letter-en-5d0c….docx", "letters": ["9c21…", …]}    written first
        7.1-letter-en-5d0c….docx    a page for each mark of the list, in its order                       then it counts

    A letter whose mark is in the list of a document that is there is not printed again, whatever the rest of its batch is now.
    ``make`` turns (title, text) of each page, and their language, into the document: `notices.paper.letters_docx`, or
    `letters_pdf` with the ``suffix`` ".pdf". A letter that it refuses is dead, and holds up none of the others.
    """

    batch = 200

    def __init__(self, folder: Path, make: Callable[[Iterable[tuple[str, str]], str], bytes], *, suffix: str = ".docx") -> None:
        self._folder = _checked(folder)
        self._make = make
        self._suffix = suffix

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Write a document for the letters of each notice and language that lie in none yet."""
        groups: dict[str, list[Parcel]] = {}
        for parcel in parcels:
            groups.setdefault(_plain(f"{parcel.notice_id}-{parcel.channel}-{parcel.language}"), []).append(parcel)
        outcomes = {mark: outcome for stem, group in groups.items() for mark, outcome in self._print(stem, group).items()}
        return [outcomes[parcel.mark] for parcel in parcels]

    def _print(self, stem: str, group: Sequence[Parcel]) -> dict[str, Outcome]:
        printed = self._printed(stem)
        fresh = [parcel for parcel in group if parcel.mark not in printed]
        there = {parcel.mark: Outcome("accepted", printed[parcel.mark]) for parcel in group if parcel.mark in printed}
        return there | (self._drop_document(stem, fresh) if fresh else {})

    def _printed(self, stem: str) -> dict[str, str]:
        """Return mark → document, of the documents that are there."""
        lists = [json.loads(path.read_bytes()) for path in sorted(self._folder.glob(f"{stem}-*.json"))]
        there = [each for each in lists if (self._folder / each["document"]).exists()]
        return {mark: each["document"] for each in there for mark in each["letters"]}

    def _drop_document(self, stem: str, fresh: Sequence[Parcel]) -> dict[str, Outcome]:
        try:
            content = self._make_of(fresh)
        except NoticeError:
            dead = {parcel.mark: Outcome("dead", shown(says)) for parcel in fresh if (says := self._refusal(parcel))}
            if not dead:
                raise  # all of them together: nobody's letter is at fault
            rest = [parcel for parcel in fresh if parcel.mark not in dead]
            return dead | (self._drop_document(stem, rest) if rest else {})
        marks = [parcel.mark for parcel in fresh]
        name = f"{stem}-{hashlib.sha256(''.join(marks).encode()).hexdigest()[:_MARK]}"
        return dict.fromkeys(marks, self._drop_both(name, content, marks))

    def _make_of(self, parcels: Sequence[Parcel]) -> bytes:
        return self._make([(parcel.title, parcel.text) for parcel in parcels], parcels[0].language)

    def _refusal(self, parcel: Parcel) -> str:
        """Return why no document can be made of a letter alone; "" where one can."""
        try:
            self._make_of([parcel])
        except NoticeError as error:
            return str(error)
        return ""

    def _drop_both(self, name: str, content: bytes, marks: Sequence[str]) -> Outcome:
        """Write the list, then the document."""
        document = f"{name}{self._suffix}"
        listed = _drop(self._folder / f"{name}.json", json.dumps({"document": document, "letters": marks}, indent=1).encode())
        if listed.result != "accepted":
            return listed
        dropped = _drop(self._folder / document, content)
        # Another deliverer was faster with the same letters; documents differ in the time at which they were made.
        return dropped if dropped.result != "refused" else Outcome("accepted", f"{document} was there already")


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise ChannelError(f"The folder {folder} is not there. Make it, or name another one.")
    return folder


def _plain(name: str) -> str:
    """Return ``name`` as the name of a file on every system, and within the folder.

    >>> _plain("../7.1-newspaper-中文")
    '_7.1-newspaper-__'
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")


def _drop(target: Path, content: bytes) -> Outcome:
    hidden = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with hidden.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            _link(hidden, target)
        except FileExistsError:
            return _compared(target, content)
        finally:
            hidden.unlink(missing_ok=True)
        _sync(target.parent)
    except OSError as error:
        return Outcome("later", shown(f"{target.name} cannot be written: {error.strerror or error}"))
    return Outcome("accepted", target.name)


def _link(hidden: Path, target: Path) -> None:
    """Give the file its own name; raises FileExistsError where that is taken."""
    try:
        target.hardlink_to(hidden)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            raise FileExistsError(target) from None
        hidden.rename(target)


def _compared(target: Path, content: bytes) -> Outcome:
    if target.read_bytes() == content:
        return Outcome("accepted", f"{target.name} was there already")
    says = f"{target.name} is there with another text, and was left as it is. Look who wrote it, and move it away."
    return Outcome("refused", says)


def _sync(folder: Path) -> None:
    """Have the new name itself on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
