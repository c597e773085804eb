"""Find the examples in README.md and docs/: fenced blocks, each with what is to be done with it.

A YAML block is a file if its first line is a comment with the file's name. Otherwise a comment right before it says what
it is: ``<!-- check: steps -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCHOOL = [ROOT / "docs" / "language" / f"{name}.md" for name in ("index", "policy", "stories")]
"""The pages with the files of the cooking school, in which the other pages' examples live."""
_BLOCK = re.compile(r"(?:^<!-- check: (.+?) -->\n)?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    """``check`` is what the comment before the block says; ``file`` its name, if it is one."""

    page: Path
    number: int
    language: str
    check: str
    text: str

    @property
    def file(self) -> str:
        match = re.match(r"# (\S+\.yaml)\n", self.text)
        return match[1] if match and self.language == "yaml" and not self.check else ""

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.number}"

    def items(self) -> list[str]:
        """The entries of a list."""
        return re.findall(r"^- .*(?:\n  .*)*", self.text, re.MULTILINE)


def examples_of(page: Path) -> list[Example]:
    """The fenced blocks of a page, in order; ``number`` is the line on which each begins."""
    text = page.read_text()
    return [
        Example(page, text.count("\n", 0, match.start()) + 1, match[2], match[1] or "", match[3])
        for match in _BLOCK.finditer(text)
    ]


EXAMPLES = [example for page in PAGES for example in examples_of(page)]


def files_of(*pages: Path) -> dict[str, str]:
    """The files that these pages show."""
    return {example.file: example.text for page in pages for example in examples_of(page) if example.file}
