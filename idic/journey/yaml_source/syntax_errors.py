"""Explain YAML syntax errors: what the author got wrong, and what to write instead."""

from __future__ import annotations

import re
from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError

WORDS = frozenset(
    [
        "id",
        "wait",
        "wait_for",
        "choose",
        "split",
        "send",
        "set",
        "call",
        "repeat",
        "enter",
        "differentiate",
        "exit",
        "if",
        "then",
        "otherwise",
        "within",
        "by",
        "at",
        "as",
        "of",
        "on",
        "since",
        "until",
        "do",
        "with",
        "without",
        "key",
        "times",
        "again",
        "while_in",
        "every",
        "once",
        "date",
    ]
)
"""Keys of a journey, after which a colon may be forgotten."""

_MISSING_COLON = re.compile(r"(?P<word>[a-z_]+)(?P<sign> +|:)(?P<rest>[^\s:#][^:#]*)")
_SECOND_COLON = re.compile(r"\s*(?:- +)*[\w ]+: +(?P<value>[^\s\"'{\[|>&*!].*:(?:\s.*)?)$")
_OPENS_QUOTE = re.compile(r"\s*(?:- +)*(?:[\w ]+: +)?\"")
_CHANNEL_CHOICE = re.compile(r"(best_of|first_of) *(\[.*\])")
_NEXT_ENTRY = re.compile(r",\s*[\w ]+:(?:\s|$)")
_FLOW_KEY = re.compile(r"[^:,{}\[\]\"'#\n]+:(?=\s)\s*")
_NOT_PLAIN = re.compile(r"[@`%!&*|>]|.*(?:[\[\]{}]| #|: )")

_UNCLOSED_QUOTE = ("a quote is opened and never closed", "close it")
_UNCLOSED_BRACKET = ("a { or [ is not closed, or an entry in it lacks its comma", "close it with } or ]")
_FAULTS_OF_THE_OPENING = (_UNCLOSED_QUOTE[0], _UNCLOSED_BRACKET[0])
"""Faults that are shown where the quote or bracket opens, and not where YAML stopped."""


class Fault(NamedTuple):
    """A syntax error. ``start`` is an index into the text, ``length`` is in characters."""

    start: int
    length: int
    message: str
    hint: str


def quoted(value: str) -> str:
    """The text in quotes, as it can be written into the file."""
    return single(value) if '"' in value else f'"{value}"'


def single(value: str) -> str:
    """The text in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def line_from(text: str, index: int) -> str:
    """The text from an index to the end of its line."""
    end = text.find("\n", index)
    return text[index:] if end < 0 else text[index:end]


def explain_error(text: str, error: MarkedYAMLError) -> Fault:
    """The syntax error in words: one sentence for each way in which people break YAML."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark is not None else 0
    problem = str(error.problem or "")
    if (trap := _flow_trap(text, error, index)) is not None:
        start, value = trap
        hint = (
            "write " + _CHANNEL_CHOICE.sub(r"{\1: \2}", value)
            if _CHANNEL_CHOICE.fullmatch(value)
            else f"put it in quotes: {quoted(value)}"
        )
        return Fault(start, len(value), _why_not_plain(value), hint)
    if (opened := _open_quote(text, index)) is not None:
        return Fault(opened, 1, *_UNCLOSED_QUOTE)
    whole_line = line_from(text, text.rfind("\n", 0, index) + 1)
    if "mapping values are not allowed" in problem and (second := _SECOND_COLON.match(whole_line)):
        start, value = text.rfind("\n", 0, index) + 1 + second.start("value"), second["value"].rstrip()
        return Fault(start, len(value), "a second colon in one entry", f"put the text in quotes: {quoted(value)}")
    if (missing := _missing_colon_at(text, error)) is not None:
        return missing
    message, hint = _explain_problem(problem, text[index : index + 1].strip("\n"), whole_line)
    if message in _FAULTS_OF_THE_OPENING and error.context_mark is not None:
        index = error.context_mark.index
    return Fault(index, 1, message, hint)


def _explain_problem(problem: str, character: str, line: str) -> tuple[str, str]:
    """Message and hint for a problem as the YAML parser words it, on a ``line``, at a ``character``."""
    if "mapping values are not allowed" in problem:
        message = "a second colon on this line, or a line that is indented too far"
        return message, "put text that contains a colon in quotes, or line the entry up with its neighbours"
    if "'\\t'" in problem:
        return "a tab", "indent with spaces"
    if "end of stream" in problem:
        return _UNCLOSED_QUOTE
    if "cannot start any token" in problem:
        return f"a value cannot begin with {character} here", "put it in quotes"
    if "sequence entries are not allowed" in problem:
        return "a list begins on a line of its own", "write the - on the next line, indented"
    if "expected ',' or" in problem:
        return _UNCLOSED_BRACKET
    if "but found '<scalar>'" in problem:
        written = re.match(r"\s*(?:- +)*(?:\{?[\w ]+: +)?(.*)", line)
        whole = f": {quoted(written[1].strip())}" if written is not None and "{" not in written[1] else ""
        return "text after the end of the value", f"put the whole value in quotes{whole}"
    if "could not find expected ':'" in problem or "expected <block end>" in problem:
        return "this line fits nowhere", "line it up with its neighbours; a name is followed by a colon and a space"
    if "undefined alias" in problem or "anchor" in problem:
        return "& and * have a meaning of their own in YAML", "if it is text, put it in quotes"
    return f"this is not YAML: {problem}", "look at the line above it too"


def _open_quote(text: str, index: int) -> int | None:
    """Where a value in double quotes begins on a line before the error, if it ends on the error's line."""
    opened_at: int | None = None
    line_start = 0
    for line in text[: text.find("\n", index) if "\n" in text[index:] else len(text)].split("\n"):
        is_last_line = line_start + len(line) >= index
        if opened_at is not None:
            if is_last_line:
                return opened_at if '"' in text[line_start:index] else None
            opened_at = None if line.count('"') % 2 else opened_at
        elif (opening := _OPENS_QUOTE.match(line)) and line.count('"') % 2:
            opened_at = line_start + opening.end() - 1
        line_start += len(line) + 1
    return None


def _missing_colon_at(text: str, error: MarkedYAMLError) -> Fault | None:
    """A line such as ``wait 1 day`` or ``wait:1 day``."""
    mark = error.context_mark if "could not find expected ':'" in str(error.problem) else None
    if mark is None:
        return None
    line = line_from(text, mark.index).rstrip()
    mistake = missing_colon(line)
    return Fault(mark.index, len(line), *mistake) if mistake is not None else None


def missing_colon(entry: str) -> tuple[str, str] | None:
    """The missing colon or space in an entry such as ``wait 1 day`` or ``wait:1 day``, and the hint for it."""
    match = _MISSING_COLON.fullmatch(entry)
    if match is None or match["word"] not in WORDS:
        return None
    message = "a space is missing after the colon" if ":" in match["sign"] else f"a colon is missing after {match['word']}"
    return message, f"write {match['word']}: {match['rest']}"


def _flow_trap(text: str, error: MarkedYAMLError, index: int) -> tuple[int, str] | None:
    """The value inside { } or [ ] that YAML cannot read, and where it begins.

    Such a value has a bracket, a # or a colon in it, or begins with a sign.
    """
    mark = error.context_mark
    at = mark.index if mark is not None and text[mark.index : mark.index + 1] in ("{", "[") else -1
    if at < 0:
        begin = text.rfind("\n", 0, index) + 1
        opening = re.search(r"(?:^|[:\-\s])\s*([{\[])", text[begin:index])
        if opening is None:
            return None
        at = begin + opening.start(1)
    open_, at = [text[at]], at + 1
    while open_ and at < len(text):
        character = text[at]
        if character in "{[":
            open_.append(character)
        elif character in "}]":
            open_.pop()
        elif character in "\"'":
            close = text.find(character, at + 1)
            if close < 0:
                return None
            at = close
        elif character == "#":
            at += len(line_from(text, at)) - 1
        elif not character.isspace() and character != ",":
            key = _FLOW_KEY.match(text, at) if open_[-1] == "{" else None
            at = key.end() if key is not None else at
            if text[at : at + 1] in ("", "{", "[", '"', "'", "\n"):
                continue
            end = _end_of_value(text, at)
            value = text[at:end].rstrip()
            if text[end : end + 1] in (",", "}", "]") and _NOT_PLAIN.match(value):
                return at, value
            at = max(end, at + 1)
            continue
        at += 1
    return None


def _end_of_value(text: str, start: int) -> int:
    """Where a value inside brackets ends, as its author meant it.

    That is before the next entry, or before a bracket that closes more than the value opens, on the same line.
    """
    depth, at, quote = 0, start, ""
    while at < len(text) and text[at] != "\n":
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character == '"':
            quote = character
        elif character in "{[(":
            depth += 1
        elif character in "}])":
            if not depth:
                break
            depth -= 1
        elif character == "," and not depth and (_NEXT_ENTRY.match(text, at) or "(" not in text[start:at]):
            break
        at += 1
    return at


def _why_not_plain(value: str) -> str:
    if value[0] in "@`%!&*|>":
        return f"a value cannot begin with {value[0]} here"
    if " #" in value:
        return "a # after a space begins a comment"
    if ": " in value:
        return "a second colon in one entry"
    return "inside { } a value cannot have brackets of its own"
