"""The pages of the documentation: links lead somewhere, tables are up to date, the site builds and needs nobody else."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate.pages import TABLES, fill
from docs.generate.word_tables import rule_pages
from idic.journey.channels import CHANNELS
from idic.journey.program.steps import STEP_KINDS
from idic.providers.registry import PROVIDERS
from idic.settings import described
from tests.docs.examples import PAGES, ROOT

PAPERS = [ROOT / name for name in ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_tables_are_as_the_code_has_them(page: Path) -> None:
    text = page.read_text()
    assert text == fill(text), "run `make docs`, which writes the tables anew"


def test_every_table_is_on_a_page() -> None:
    used = {name for page in PAGES for name in re.findall(r"^<!-- table: ([\w-]+)", page.read_text(), re.MULTILINE)}
    assert used == set(TABLES)
    settings = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name, _, _ in described() if f"| `{name}` |" not in settings] == []


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts and MkDocs make them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)", prose, re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *PAPERS], ids=[str(page.relative_to(ROOT)) for page in [*PAGES, *PAPERS]])
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in LINK.findall(prose):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("paper", PAPERS, ids=[paper.name for paper in PAPERS])
def test_papers_name_what_exists(paper: Path) -> None:
    """Paths of the repository that a paper names, and tables of families with the file that it names beside them."""
    text = paper.read_text()
    for path in re.findall(r"`((?:idic|tests|docs)/[\w/.]*)`", text):
        assert (ROOT / path.partition("NAME")[0]).exists(), path
    for name, path in re.findall(r"`([A-Z_]+)` in `([\w/.]+)`", text):
        assert re.search(rf"^{name}\b", (ROOT / path).read_text(), re.MULTILINE), name


def test_every_step_and_rule_has_a_page() -> None:
    assert {page.stem for page in (ROOT / "docs" / "language" / "steps").glob("*.md")} == set(STEP_KINDS)
    assert {page.stem for page in (ROOT / "docs" / "language" / "rules").glob("*.md")} == set(rule_pages())


def test_every_channel_has_a_section() -> None:
    assert set(CHANNELS) <= anchors(ROOT / "docs" / "language" / "customize.md")


def test_every_provider_is_explained() -> None:
    page = (ROOT / "docs" / "channels_and_providers.md").read_text()
    for provider in PROVIDERS.values():
        settings = provider.settings.model_fields if provider.settings is not None else ()
        assert provider.summary in page
        assert not settings or any(f"IDIC_{name.upper()}" in page for name in settings), provider.name


@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="MkDocs is not installed")
def test_the_site_builds_and_asks_nobody_else(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert built.returncode == 0, built.stderr
    loaded = r"<(?:script|img|iframe)[^>]+src=\"?(https?:|//)|<link[^>]+rel=\"?(?:stylesheet|preconnect|icon)[^>]+https?:"
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    assert [page.name for page in pages if re.search(loaded, page.read_text())] == []
    assert (tmp_path / "site" / "search" / "search_index.js").is_file()
