"""Read files of lines: NDJSON, or CSV with commas, semicolons or tabs.

Each line becomes an object, or an error about this line; the other lines are read all the same.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from idic.errors import InvalidInput
from idic.problems import one_of

NumberedLine = tuple[int, dict[str, Any] | InvalidInput]
"""The number of a line, counted from 1, and its object or its error."""

_LINES_PER_REPORT = 2000


def read_lines(
    raw: IO[bytes],
    name: Path,
    needed: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[NumberedLine]:
    """Read the lines of a file open in ``raw``, as CSV or NDJSON by the ending of its ``name``.

    ``progress`` is called now and then with the number of bytes read. ``needed`` are the columns that CSV must have. CSV
    cells are text; empty cells are kept. Raises ``InvalidInput`` where a column is missing.
    """
    texts = _texts(raw, lambda: progress(raw.tell()))
    return _csv(texts, needed) if is_csv(name) else _ndjson(texts)


def is_csv(name: Path) -> bool:
    """Whether the file's name ends as CSV or TSV."""
    return name.suffix.lower() in (".csv", ".tsv")


def _texts(raw: IO[bytes], read: Callable[[], None]) -> Iterator[str]:
    """Lines as text. Bytes that are not UTF-8 are kept as surrogates, and fail where they matter."""
    for number, line in enumerate(raw, 1):
        if number % _LINES_PER_REPORT == 0:
            read()
        yield line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")


def _ndjson(texts: Iterator[str]) -> Iterator[NumberedLine]:
    for number, line in enumerate(texts, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            yield number, InvalidInput(f"is not JSON: {what}")
            continue
        yield number, raw if isinstance(raw, dict) else InvalidInput("is not a JSON object")


def _csv(texts: Iterator[str], needed: Sequence[str]) -> Iterator[NumberedLine]:
    first = next(texts, "")
    reader = csv.reader(chain([first], texts), strict=True, delimiter=_delimiter(first, needed))
    try:
        columns = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise InvalidInput(f"line 1: {error}") from None
    missing = [name for name in needed if name not in columns]
    if missing:
        noun = "columns" if len(needed) > 1 else "column"
        verb = "are" if len(needed) > 1 else "is"
        raise InvalidInput(f"line 1: the {noun} {one_of(needed, 'and')} {verb} needed; there is no {' and no '.join(missing)}")
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, InvalidInput(f"is not CSV: {error}")
            continue
        if cells is None:
            return
        if not cells:
            continue
        if len(cells) != len(columns):
            yield reader.line_num, InvalidInput(f"has {len(cells)} cells, and there are {len(columns)} columns")
            continue
        yield reader.line_num, dict(zip(columns, cells, strict=True))


def _delimiter(first: str, needed: Sequence[str]) -> str:
    """The delimiter, by the first line. Excel writes semicolons where numbers have commas."""
    for delimiter in (";", "\t"):
        if set(needed) <= {name.strip(' "') for name in first.strip().split(delimiter)}:
            return delimiter
    return ","
