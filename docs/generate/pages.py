"""Fill the generated tables of a page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate import commands, http, schema_tables, word_tables

ROOT = Path(__file__).parents[2]
TABLES: Mapping[str, Callable[..., str]] = {**schema_tables.TABLES, **word_tables.TABLES, **commands.TABLES, **http.TABLES}
"""Each table's function, by the name that pages use; its arguments are words."""

_TABLE = re.compile(r"(<!-- table: ([\w-]+)(.*?) -->\n)(?:.*?\n)??(<!-- /table -->)", re.DOTALL)


def pages() -> list[Path]:
    """README.md and every page of the site."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fill(page: str) -> str:
    """The page with each of its tables as the code has it now. Raises ``KeyError`` for a table that does not exist."""
    return _TABLE.sub(lambda match: match[1] + TABLES[match[2]](*match[3].split()).strip("\n") + "\n" + match[4], page)
