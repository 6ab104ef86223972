"""A .zip of a folder of tables, unpacked with guards: it comes from outside and may have been made to do harm."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from geo.raw import SourceError

MAX_FILES = 1_000
MAX_BYTES = 8 * 2**30
"""Of all files together, unpacked. Ten million customers as CSV take about 2 GB."""
MAX_RATIO = 200
"""Bytes unpacked for each byte packed, beyond `HARMLESS_BYTES`. Tables reach 10 to 40."""
HARMLESS_BYTES = 16 * 2**20


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Give a temporary folder with the files of ``archive``, all on one level; it is gone afterwards.

    Raises
    ------
    SourceError
        It is no archive, it is encrypted or damaged, it would unpack to more than the limits, or a name leads outside.
    """
    with tempfile.TemporaryDirectory(prefix="gridnotice-") as folder:
        try:
            with zipfile.ZipFile(archive) as opened:
                for member in _members(opened, archive):
                    _unpack(opened, member, Path(folder))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            next_step = "Pack the folder again, without a password."
            raise SourceError(f"{archive} cannot be unpacked:", f"{error}.", next_step) from error
        yield Path(folder)


def _members(opened: zipfile.ZipFile, archive: Path) -> list[zipfile.ZipInfo]:
    infos = opened.infolist()
    if len(infos) > MAX_FILES:
        raise _refusal(archive, f"holds {len(infos):,} files, and at most {MAX_FILES:,} are unpacked")
    for info in infos:
        _check_member(info, archive)
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise _refusal(archive, f"unpacks to {total / 2**30:.1f} GiB, and at most {MAX_BYTES / 2**30:.0f} GiB are unpacked")
    members = [info for info in infos if not info.is_dir() and not _is_litter(info)]
    names = [PurePosixPath(info.filename).name.casefold() for info in members]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _refusal(archive, f"holds two files called {twice[0]}, in different folders")
    return members


def _check_member(info: zipfile.ZipInfo, archive: Path) -> None:
    name = info.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or ":" in name:
        raise _refusal(archive, f"holds the name {info.filename!r}, which leads outside of the folder")
    if info.file_size > HARMLESS_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        times = info.file_size // max(info.compress_size, 1)
        raise _refusal(archive, f"holds {info.filename!r}, which grows {times:,} times when unpacked (at most {MAX_RATIO})")


def _unpack(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    # The stream ends at the size that was declared and checked, whatever the packed bytes would go on to say.
    with opened.open(member) as packed, (folder / PurePosixPath(member.filename).name).open("wb") as plain:
        shutil.copyfileobj(packed, plain)


def _is_litter(info: zipfile.ZipInfo) -> bool:
    """Tell what file managers add by themselves (``__MACOSX/._lines.csv``, ``.DS_Store``)."""
    path = PurePosixPath(info.filename)
    return path.name.startswith(".") or "__MACOSX" in path.parts


def _refusal(archive: Path, what: str) -> SourceError:
    return SourceError(f"{archive} was not unpacked: it {what}.", next_step="Unpack it yourself and give the folder.")
