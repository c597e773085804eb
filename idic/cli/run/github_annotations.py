"""Print problems as GitHub annotations of a pull request."""

from __future__ import annotations

from idic.problems import Severity


def annotation(severity: Severity, file: str, line: int, column: int, title: str, message: str) -> str:
    """``::error file=…,line=…,col=…,title=…::message`` on one line, escaped as GitHub's workflow commands need."""
    places = {"file": file, "line": str(line), "col": str(column), "title": title}
    said = ",".join(f"{name}={_property(value)}" for name, value in places.items())
    return f"::{severity} {said}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
