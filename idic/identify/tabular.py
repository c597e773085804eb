"""Files of lines, as people export them: NDJSON, or CSV with commas, semicolons or tabs. Each line is an object, or says what
is wrong with it; none costs another."""

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
"""The number of a line, from 1, and what stands in it."""

_AT_ONCE = 2000


def read_lines(
    raw: IO[bytes],
    name: Path,
    needed: Sequence[str],
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[NumberedLine]:
    """The lines of a file that is open in ``raw``, by the ending of its ``name`` as CSV or as NDJSON; ``progress`` is told now
    and then how many bytes have been read. ``needed`` are the columns that CSV must have; its cells are text, and an empty
    one is as in the file. Raises ``InvalidInput`` where it has no such columns."""
    texts = _texts(raw, lambda: progress(raw.tell()))
    return _csv(texts, needed) if is_csv(name) else _ndjson(texts)


def is_csv(name: Path) -> bool:
    return name.suffix.lower() in (".csv", ".tsv")


def _texts(raw: IO[bytes], read: Callable[[], None]) -> Iterator[str]:
    """Lines as text; what is no UTF-8 is shown as such and fails where it matters."""
    for number, line in enumerate(raw, 1):
        if number % _AT_ONCE == 0:
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
    reader = csv.reader(chain([first], texts), strict=True, delimiter=_between(first, needed))
    try:
        columns = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise InvalidInput(f"line 1: {error}") from None
    missing = [name for name in needed if name not in columns]
    if missing:
        columns_are = "columns" if len(needed) > 1 else "column"
        are = "are" if len(needed) > 1 else "is"
        raise InvalidInput(
            f"line 1: the {columns_are} {one_of(needed, 'and')} {are} needed; there is no {' and no '.join(missing)}"
        )
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


def _between(first: str, needed: Sequence[str]) -> str:
    """What stands between the cells, by the first line; Excel writes semicolons where numbers have commas."""
    for one in (";", "\t"):
        if set(needed) <= {name.strip(' "') for name in first.strip().split(one)}:
            return one
    return ","
