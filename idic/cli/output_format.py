"""The output formats of ``--format``: text for people, json for tools, github for pull requests."""

from __future__ import annotations

from enum import StrEnum


class OutputFormat(StrEnum):
    """The formats of most verbs."""

    text = "text"
    json = "json"


class ReportFormat(StrEnum):
    """The formats of verbs that report problems in files."""

    text = "text"
    json = "json"
    github = "github"
