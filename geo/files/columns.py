"""What the cells of a column hold: text, a word out of a list, phases, a number. Whole columns at a time, in Arrow.

Each ``as_…`` takes a column as it was read and returns the clean column and, row by row, whether the cell held something
that could not be taken. Such a cell comes back empty; what that means for its row is decided in `geo.rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geo.schema import PHASE_LETTERS, TEXT

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_BREAKS = r"[\x00-\x1f\x7f\x{2028}\x{2029}]+"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_PHASES = re.compile(rf"(?:([{PHASE_LETTERS}])(?!.*\1))+")


def as_arrow(column: pd.Series[Any]) -> Any:
    """Return a text column as one Arrow array, without a copy where it is one chunk already."""
    array = pa.array(column, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def as_series(array: Any) -> pd.Series[Any]:
    """Return an Arrow array of text as a column of dtype `TEXT`, without a copy."""
    return pd.Series(array, dtype=TEXT)


def mask_of(array: Any) -> Mask:
    """Return an Arrow array of booleans as a numpy mask; absent is False."""
    return np.array(pc.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def as_text(column: pd.Series[Any]) -> tuple[pd.Series[Any], Mask]:
    """Return the column as text without spaces around it, and where line breaks or control characters became a space.

    Numbers become text as a person would write them: 7 for 7.0. An empty cell is absent.

    >>> as_text(pd.Series([" N1 ", "", 7.0, None]))[0].tolist()
    ['N1', nan, '7', nan]
    """
    text = _plain_text(column)
    broken = np.zeros(len(text), dtype=np.bool_)
    if _has_control_bytes(text):
        broken = mask_of(pc.match_substring_regex(text, _BREAKS))
        text = pc.replace_substring_regex(text, _BREAKS, " ") if broken.any() else text
    trimmed = pc.utf8_trim_whitespace(text)
    # Most columns are clean: then the buffers that were read are kept, and no copy of a million cells.
    text = text if _bytes_in(trimmed) == _bytes_in(text) else trimmed
    empty = pc.equal(pc.binary_length(text), 0)
    if pc.any(empty).as_py():
        text = pc.if_else(empty, pa.scalar(None, text.type), text)
    return as_series(text), broken


def as_choice(text: pd.Series[Any], choices: tuple[str, ...]) -> tuple[pd.Series[Any], Mask]:
    """Return the words that are in ``choices``; capitals, hyphens and spaces do not matter.

    >>> as_choice(as_text(pd.Series(["Load-Break", "valve"]))[0], ("load_break",))[0].tolist()
    ['load_break', nan]
    """

    def choose(word: str) -> str | None:
        written = re.sub(r"[\s-]+", "_", word.casefold())
        return written if written in choices else None

    return _map_words(text, choose)


def as_phases(text: pd.Series[Any]) -> tuple[pd.Series[Any], Mask]:
    """Return phase letters in capitals, in the order given, each at most once.

    >>> as_phases(as_text(pd.Series(["cab", "12", "AA", "ABCN"]))[0])[0].tolist()
    ['CAB', '12', nan, nan]
    """
    return _map_words(text, lambda word: word.upper() if _PHASES.fullmatch(word.upper()) else None)


def put(column: Any, rows: NDArray[np.intp], value: Any = None) -> Any:
    """Return a column of text, numbers or geometries with ``value`` (absent, one word, or one for each) in ``rows``."""
    if not isinstance(column, pd.Series):
        changed = column.copy()
        changed[rows] = value if value is not None or column.dtype == object else np.nan
        return changed
    mask = np.zeros(len(column), dtype=np.bool_)
    mask[rows] = True
    words = [value] * len(rows) if value is None or isinstance(value, str) else list(value)
    return as_series(pc.replace_with_mask(as_arrow(column), pa.array(mask), pa.array(words, type=pa.large_string())))


def as_numbers(column: pd.Series[Any]) -> tuple[Floats, Mask]:
    """Return float64 (NaN where absent), and where a cell is no finite number.

    >>> as_numbers(pd.Series(["1.5", "", "1,5", "inf"]))
    (array([1.5, nan, nan, nan]), array([False, False,  True,  True]))
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.isinf(values)
    else:
        text = as_arrow(as_text(column)[0])
        values = _parse_numbers(text)
        bad = ~np.isfinite(values) & mask_of(pc.is_valid(text))
    return np.where(bad, np.nan, values), bad


def codes_of(text: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Return for each cell the number of its word (−1 where absent), and the words in order of first appearance."""
    encoded = as_arrow(text).dictionary_encode()
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return codes, encoded.dictionary.to_pylist()


def _map_words(text: pd.Series[Any], change: Callable[[str], str | None]) -> tuple[pd.Series[Any], Mask]:
    codes, words = codes_of(text)
    changed = [change(word) for word in words]
    rejected = np.array([word is None for word in changed] + [False], dtype=np.bool_)
    clean = pa.array(changed, type=pa.large_string()).take(pa.array(codes, mask=codes < 0))
    return as_series(clean), rejected[codes]


def _plain_text(column: pd.Series[Any]) -> Any:
    kind = column.dtype
    if isinstance(kind, pd.StringDtype) and kind.storage == "pyarrow":
        return as_arrow(column)
    if pd.api.types.is_float_dtype(kind):
        return _floats_as_text(column)
    if pd.api.types.is_integer_dtype(kind):
        return pc.cast(pa.array(column, from_pandas=True), pa.large_string())
    return pa.array([_cell_as_text(cell) for cell in column], type=pa.large_string())


def _floats_as_text(column: pd.Series[Any]) -> Any:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    whole = (np.floor(values) == values) & (np.abs(values) < 2.0**53)
    integers = pc.cast(pa.array(np.where(whole, values, 0.0).astype(np.int64)), pa.large_string())
    numbers = pc.cast(pa.array(values, from_pandas=True), pa.large_string())
    return pc.if_else(pa.array(whole), integers, numbers)


def _cell_as_text(cell: Any) -> str | None:
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2.0**53:
        return str(int(cell))
    # Half a surrogate pair, as broken JSON holds it, is no text in any encoding: it becomes a question mark.
    return str(cell).encode("utf-8", "replace").decode("utf-8")


def _parse_numbers(text: Any) -> Floats:
    try:
        numbers = pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        # One bad cell among a million: then cell by cell, rounded as exactly as Arrow does.
        return np.array([_number(word) for word in text.to_pylist()], dtype=np.float64)
    return np.asarray(pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


def _number(word: str | None) -> float:
    return float(word) if word is not None and _NUMBER.fullmatch(word) else np.nan


def _has_control_bytes(text: Any) -> bool:
    """Tell, by one look at the bytes, whether a column may hold control characters: nearly none does."""
    data = text.buffers()[2]
    if data is None:
        return False
    found = np.frombuffer(data, dtype=np.uint8)
    # 0xE2 begins the line and paragraph separators (and much harmless punctuation: then the regular expression decides).
    return bool(((found < 32) | (found == 127) | (found == 0xE2)).any())


def _bytes_in(text: Any) -> int:
    return int(pc.sum(pc.binary_length(text)).as_py() or 0)
