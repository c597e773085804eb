"""Explain syntax errors of templates: other systems' syntax, typing errors, tags that are not closed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from liquid.exceptions import LiquidError
from liquid.token import Token

from idic.customize.liquid.engine import TAG_NAMES
from idic.problems import did_you_mean

_FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\{\{-?\s*\$\{\s*(?P<name>[\w.]*)\s*\}[^}]*\}\}?"),
        "{found} is how Braze writes it; here it is {{{{ customer.{name} }}}}",
    ),
    (re.compile(r"\*\|(?P<name>\w+)\|\*"), "{found} is how Mailchimp writes it; here it is {{{{ customer.{name} }}}}"),
    (re.compile(r"\{\{-?\s*[#/](?P<name>\w+)[^}]*\}\}"), "{found} is Handlebars; here it is {{% {name} … %}}"),
    (re.compile(r"\{%-?\s*include\b(?P<name>)[^%]*%\}"), "write {{% render 'name' %}} in place of {{% include %}}"),
    (re.compile(r"\{%-?\s*else\s+if\b(?P<name>)"), "write {{% elsif … %}} in place of {{% else if … %}}"),
)
_VERBATIM = re.compile(r"\{%-?\s*(raw|comment)\s*-?%\}.*?\{%-?\s*end\1\s*-?%\}", re.DOTALL)
_INSIDE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_SLIPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("[“”„‘’«»]"), "curly quotes are not quotes here; write '…'"),
    (re.compile(r"&&"), "write and in place of &&"),
    (re.compile(r"\|\|"), "write or in place of ||"),
    (re.compile(r"(?<![=!<>])=(?!=)"), "write == to compare; a single = belongs to {% assign %}"),
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_TAG = re.compile(r"\{%-?\s*(?P<name>\w+)")
_BLOCK_TAGS = ("if", "unless", "case", "for", "capture", "comment", "raw")


def find_foreign_syntax(source: str) -> Iterable[tuple[int, str]]:
    """The places where a source uses other systems' syntax or has a typing error, each with what to write."""
    if "{" not in source and "*|" not in source:
        return
    bare = _VERBATIM.sub(lambda part: " " * len(part[0]), source)
    for pattern, message in _FOREIGN:
        for match in pattern.finditer(bare):
            name = match["name"].lower() if "Mailchimp" in message else match["name"]
            yield match.start(), message.format(found=match[0], name=name or "first_name")
    for part in _INSIDE.finditer(bare):
        inside = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), part[0])
        if inside.lstrip("{%-").lstrip().startswith(("#", "assign")):
            continue
        for pattern, message in _SLIPS:
            slip = pattern.search(inside)
            if slip:
                yield part.start() + slip.start(), message
                break


def explain_syntax_error(source: str, error: LiquidError) -> tuple[int, str]:
    """The place and the explanation, for authors, of an error of the Liquid parser."""
    message = str(error.message)
    token: Token | None = error.token
    place = token.start_index if token is not None and token.start_index >= 0 else None
    if token is not None and token.kind == "tag" and message.startswith("unexpected tag"):
        if token.value.startswith("end") or token.value in ("else", "elsif", "when"):
            opened = _unclosed(source[: token.start_index - 2])
            if opened and token.value.startswith("end"):
                begin, name = opened
                return begin, f"{{% {name} %}} is not closed before {{% {token.value} %}}; {{% end{name} %}} is missing"
            return token.start_index, f"{{% {token.value} %}} has no opening tag before it"
        hint = did_you_mean(token.value, (*TAG_NAMES, "else", "elsif", "when"))
        return token.start_index, f"there is no tag {{% {token.value} %}}" + (f"; {hint}" if hint else "")
    unclosed = _unclosed(source)
    if unclosed and (place is None or "end of expression" in message or "expected tag" in message):
        begin, name = unclosed
        return begin, f"{{% {name} %}} is never closed; {{% end{name} %}} is missing"
    if "end of file" in message or "closing delimiter" in message:
        return place or 0, "this is never closed: }} or %} is missing"
    if place is None:
        empty = re.search(r"\{\{-?\s*-?\}\}", source)
        if empty:
            return empty.start(), "there is nothing between {{ and }}"
        return 0, message
    unexpected = token.value if token is not None else ""
    if message.startswith(("unexpected", "expected")):
        return place, f'"{unexpected}" is not allowed here'
    return place, message


def _unclosed(source: str) -> tuple[int, str] | None:
    """Place and name of the innermost tag that is still open at the end of the source."""
    opened: list[tuple[int, str]] = []
    for tag in _TAG.finditer(source):
        name = tag["name"]
        if name in _BLOCK_TAGS:
            opened.append((tag.start(), name))
        elif opened and name == f"end{opened[-1][1]}":
            opened.pop()
    return opened[-1] if opened else None
