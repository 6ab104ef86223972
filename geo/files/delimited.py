"""Tables as delimited text (CSV): every cell stays the text it was, no row is lost, and the encoding is found out.

Cells are separated by commas, semicolons, tabs or bars, whichever the header has most of. The encoding is UTF-8 or, where
the bytes are none, GB18030, which Chinese spreadsheets write; the report says so. Nothing becomes missing because of what
it spells: the ids ``007``, ``NA`` and ``null`` are ids.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from geo.raw import SourceError

_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 22
_SAMPLE = 10_000
_SAVE_AS_UTF8 = "Save it as CSV in UTF-8."


@dataclass(frozen=True)
class Delimited:
    """Cells as Arrow text under the names of the header, the rows that have no place among them, and the encoding."""

    cells: Any
    damaged: pd.DataFrame
    encoding: str


@dataclass(frozen=True)
class _Layout:
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    blank_lines: int
    has_rows: bool


def read_delimited(path: Path) -> Delimited:
    """Return the table in ``path``.

    Raises
    ------
    SourceError
        The file is empty, is no text in UTF-8 or GB18030, or has two columns of one name.
    """
    layout = _layout(path, find_encoding(path))
    if not layout.has_rows:
        empty = pa.table({name: pa.array([], pa.large_string()) for name in layout.names})
        return Delimited(empty, _damaged_frame([], layout), layout.encoding)
    rejected: list[Any] = []
    cells = _read_cells(path, layout, rejected)
    if rejected:
        # Again on one thread, which is the only way to be told the numbers of the rows.
        rejected.clear()
        cells = _read_cells(path, layout, rejected, use_threads=False)
    swallowing = _swallowing_rows(cells, layout)
    damaged = [*_rejected_rows(rejected, layout), *_swallowed_rows(cells, swallowing, layout)]
    return Delimited(cells.filter(pc.invert(swallowing)), _damaged_frame(damaged, layout), layout.encoding)


def find_encoding(path: Path, *, skip_bytes: int = 0) -> str:
    """Return ``utf-8``, ``gb18030`` or ``utf-16``; raises SourceError where the bytes are no text in any of them."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    if _decodes(path, "utf-8", skip_bytes):
        return "utf-8"
    if _decodes(path, "gb18030", skip_bytes) and _reads_like_chinese(path, skip_bytes):
        return "gb18030"
    raise SourceError(f"{path} is text neither in UTF-8 nor in GB18030.", "Its bytes mean nothing in either.", _SAVE_AS_UTF8)


def _decodes(path: Path, encoding: str, skip_bytes: int) -> bool:
    decode = codecs.getincrementaldecoder(encoding)().decode
    try:
        for chunk in _chunks(path, skip_bytes):
            if b"\0" in chunk and not skip_bytes:
                raise SourceError(f"{path} is no text: it holds zero bytes.", "", _SAVE_AS_UTF8)
            decode(chunk)
        decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _reads_like_chinese(path: Path, skip_bytes: int) -> bool:
    """Tell Chinese from European text, whose accented letters often make valid, but very rare, characters of GB18030."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    decoded = (letter for chunk in _chunks(path, skip_bytes) for letter in decoder.decode(chunk))
    foreign = list(islice((letter for letter in decoded if ord(letter) > 127), _SAMPLE))
    common = sum(1 for letter in foreign if letter.encode("gb2312", "ignore"))
    return common >= 0.8 * len(foreign)


def _chunks(path: Path, skip_bytes: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(skip_bytes)
        yield from iter(lambda: file.read(_CHUNK_BYTES), b"")


def _layout(path: Path, encoding: str) -> _Layout:
    with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as file:
        blank_lines = 0
        while (line := file.readline()) in ("\n", "\r\n"):
            blank_lines += 1
        if not line.strip():
            raise SourceError(f"{path} is empty.", "", "Write at least a line with the names of the columns.")
        delimiter = max(",;\t|", key=line.count)
        header = _split(line, delimiter)
        has_rows = any(line.strip("\r\n") for line in file)
    names = tuple(name.strip() or f"(column {number} without a name)" for number, name in enumerate(header, 1))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{path} has two columns called {twice[0]}.", "", "Rename or remove one of them.")
    return _Layout(encoding, delimiter, names, blank_lines, has_rows)


def _read_cells(path: Path, layout: _Layout, rejected: list[Any], *, use_threads: bool = True) -> Any:
    def reject(row: Any) -> str:
        rejected.append(row)
        return "skip"

    try:
        return _parse(path, layout, reject, (use_threads, _BLOCK_BYTES))
    except pa.ArrowInvalid:
        rejected.clear()
    try:
        # A cell longer than a block, such as a large polygon, or a quotation mark that never closes: all in one block.
        return _parse(path, layout, reject, (use_threads, min(2**31 - 2, path.stat().st_size + 1)))
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path} cannot be read as CSV:", f"{error}.", _SAVE_AS_UTF8) from error


def _parse(path: Path, layout: _Layout, reject: Callable[[Any], str], how: tuple[bool, int]) -> Any:
    use_threads, block_bytes = how
    names = list(layout.names)
    return pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(
            use_threads=use_threads,
            block_size=block_bytes,
            encoding="utf8" if layout.encoding == "utf-8" else layout.encoding,
            column_names=names,
            skip_rows=layout.blank_lines,
            skip_rows_after_names=1,
        ),
        parse_options=pa_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=reject),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False),
    )


def _rejected_rows(rejected: list[Any], layout: _Layout) -> list[tuple[list[str], str]]:
    """Return cells and reason of the lines that Arrow gave back because the number of their cells is not the header's."""
    found = []
    for row in rejected:
        lines = [line for line in row.text.splitlines() if line]
        if len(lines) > 1:
            found += [(_split(line, layout.delimiter), _QUOTED) for line in lines]
        else:
            why = f"row {row.number} has {row.actual_columns} cells and the header {row.expected_columns}"
            found.append((_split(row.text, layout.delimiter), why))
    return found


_QUOTED = "between two quotation marks that do not belong together, or after one that never closes"


def _swallowing_rows(cells: Any, layout: _Layout) -> Any:
    """Return where one cell holds other rows: two stray quotation marks swallow what they span.

    Such a cell has a line break, and inside it at least as many delimiters as a row has.
    """
    found = pa.array(np.zeros(cells.num_rows, dtype=np.bool_))
    for column in cells.columns:
        broken = pc.match_substring(column, "\n")
        if pc.any(broken).as_py():
            delimiters = pc.count_substring(column, layout.delimiter)
            found = pc.or_(found, pc.and_(broken, pc.greater_equal(delimiters, max(1, len(layout.names) - 1))))
    return found


def _swallowed_rows(cells: Any, swallowing: Any, layout: _Layout) -> list[tuple[list[str], str]]:
    texts = [layout.delimiter.join(row.values()) for row in cells.filter(swallowing).to_pylist()]
    return [(_split(line, layout.delimiter), _QUOTED) for text in texts for line in text.splitlines()]


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])


def _damaged_frame(rows: list[tuple[list[str], str]], layout: _Layout) -> pd.DataFrame:
    width = len(layout.names)
    cells = [[*cells[:width], *[""] * (width - len(cells)), why] for cells, why in rows]
    return pd.DataFrame(cells, columns=[*layout.names, "why"], dtype=object)
