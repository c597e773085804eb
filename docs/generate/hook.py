"""The hook by which MkDocs fills in the generated tables. It needs ``python -m mkdocs``, run where mkdocs.yml is."""

import re
from typing import Any

from docs.generate.pages import fill


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for each page."""
    return "\n".join(_bare_bars(line) if line.startswith("|") else line for line in fill(markdown).split("\n"))


def _bare_bars(row: str) -> str:
    """A row of a table with bare bars in its code: code hosts want them escaped there, and MkDocs shows the escape."""
    return re.sub(r"`[^`]*`", lambda match: match[0].replace("\\|", "|"), row)
