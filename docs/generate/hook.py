"""The hook by which MkDocs fills in the generated tables. It needs ``python -m mkdocs``, run where mkdocs.yml is."""

from typing import Any

from docs.generate.pages import fill


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for each page."""
    return fill(markdown)
