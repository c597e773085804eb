"""In how many parts an SMS travels at worst: its longest way through the template, with values as long as is assumed.

What a customer's values are, nobody knows before they come. So the bound says what it takes for granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import IntegerLiteral, StringLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.render_tag import RenderNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from idic.customize.liquid.engine import parse
from idic.customize.sms_segments import plain_spaces, segments
from idic.customize.variants import choose_content, reader_groups
from idic.journey.channels.sms import SMS, SmsContent
from idic.journey.definition.read_messages import spoken_of
from idic.journey.program.content import Message
from idic.journey.program.program import Program

VALUE = 40
"""Of characters in a text or a link: what somebody is called, and a short link."""
TURNS = 3
"""Of a loop."""

_LONGEST = {"money": 13, "date": 30, "size": 3}
"""What these filters write at most, in any language: 1.234.567,89 € and Wednesday, 30 September 2026."""
_TEXT = "x" * VALUE
_UNICODE = "\u0416"
_NO_LANGUAGE = "und"


class WorstCase(NamedTuple):
    """``plain`` parts while every value is of the telephone alphabet, ``unicode`` where one is not; ``plain`` is None
    where the text as written is not either, ``unicode`` where it prints no text but addresses. What was assumed: ``texts``
    and ``links`` of up to ``VALUE`` characters, ``loops`` of up to ``TURNS`` turns."""

    plain: int | None
    unicode: int | None
    texts: bool = False
    links: bool = False
    loops: bool = False


def worst_case(message: Message) -> WorstCase | None:
    """Of everybody who may read it, in any language; None for a message without an SMS."""
    return max((one for _, one in _each(message)), key=_cost, default=None)


def _each(message: Message) -> Iterator[tuple[tuple[str, str], WorstCase]]:
    """Of which segment and language it reads differently, with what it comes to there: first of neither."""
    for segment, language in reader_groups(message):
        found = choose_content(message, SMS.name, segment, language or _NO_LANGUAGE, _NO_LANGUAGE)
        if found is not None and isinstance(found.content, SmsContent):
            yield (segment, language), _worst(found.content.text, found.blocks)


def _worst(source: str, blocks: Mapping[str, str]) -> WorstCase:
    walk = _Walk(blocks)
    text = " ".join(plain_spaces(walk.longest(parse(source, "text").nodes)).split())
    found = segments(text)
    assumed = walk.texts, walk.links, walk.loops
    if found.encoding == "Unicode":
        return WorstCase(None, found.count, *assumed)
    # The same length with one character of another script in it.
    return WorstCase(found.count, segments(_UNICODE + text[1:]).count if walk.texts else None, *assumed)


def _cost(one: WorstCase) -> tuple[int, int]:
    return max(one.plain or 0, one.unicode or 0), one.plain or one.unicode or 0


def describe_worst_cases(program: Program) -> str:
    """``personal_offer: at most 2 (GSM-7), 3 where a name needs Unicode; in de: at most 1 (GSM-7) · assumed: texts and links of
    up to 40 characters``; empty for a program that sends no SMS."""
    all_ = {name: dict(_each(message)) for name, message in program.messages.items()}
    every = [one for found in all_.values() for one in found.values()]
    if not every:
        return ""
    assumed = []
    named = [name for name in ("texts", "links") if any(getattr(one, name) for one in every)]
    if named:
        assumed.append(f"{' and '.join(named)} of up to {VALUE} characters")
    if any(one.loops for one in every):
        assumed.append(f"lists of up to {TURNS}")
    counts = "; ".join(f"{name}: {_said_of(found)}" for name, found in all_.items() if found)
    return f"{counts} · assumed: {', '.join(assumed)}" if assumed else counts


def _said_of(found: Mapping[tuple[str, str], WorstCase]) -> str:
    """Where it costs the same as it does for everybody, or for everybody in that language, it is not said again."""
    first = found["", ""]
    more = [
        f"{spoken_of(segment, language)} {_said(one)}"
        for (segment, language), one in found.items()
        if _said(one) != _said(found.get(("", language), first) if segment else first)
    ]
    return ", ".join([_said(first), *more])


def _said(one: WorstCase) -> str:
    if one.plain is None:
        return f"at most {one.unicode} (Unicode)"
    if one.unicode is None or one.unicode == one.plain:
        return f"at most {one.plain} (GSM-7)" if one.unicode is None else f"at most {one.plain}"
    return f"at most {one.plain} (GSM-7), {one.unicode} where a name needs Unicode"


class _Walk:
    """The longest text that nodes can become. Where ways part, the longer one is taken."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        self.blocks = blocks
        self.texts = False
        self.links = False
        self.loops = False
        self.local: dict[str, str] = {}

    def longest(self, nodes: Iterable[Node]) -> str:
        return "".join(self._node(node) for node in nodes)

    def _node(self, node: Node) -> str:
        match node:
            case BlockNode(nodes=nodes):
                return self.longest(nodes)
            case ContentNode():
                return node.text
            case OutputNode(expression=expression):
                return self._printed(expression)
            case CycleNode():
                return _longer(self._printed(expression) for expression in node.args)
            case AssignNode(name=name, expression=expression):
                self.local[str(name)] = self._printed(expression)
                return ""
            case CaptureNode(name=name, block=block):
                self.local[str(name)] = self._node(block)
                return ""
            case IfNode() | UnlessNode():
                blocks = [node.consequence, *(alternative.block for alternative in node.alternatives), node.default]
                return _longer(self._node(block) for block in blocks if block is not None)
            case CaseNode():
                # More than one `when` can match, and all that do are written.
                return self.longest(node.blocks)
            case ForNode():
                self.loops = True
                return _longer([self._node(node.block) * TURNS, self._node(node.default) if node.default else ""])
            case RenderNode(name=StringLiteral(value=name)) if name in self.blocks:
                return self.longest(parse(self.blocks[name], "text", name).nodes)
            case _:
                return ""

    def _printed(self, expression: Expression) -> str:
        filters = list(expression.filters or ()) if isinstance(expression, FilteredExpression) else []
        left = expression.left if isinstance(expression, FilteredExpression) else expression
        answers = any(call.name == "answer" for call in filters)
        if isinstance(left, StringLiteral):
            text = left.value
        elif str(left) in self.local:
            text = self.local[str(left)]
        elif answers or str(left).startswith("links."):
            text, self.links = _TEXT, True
        else:
            text, self.texts = _TEXT, True
        for call in filters:
            first = call.args[0].value if call.args else None
            if call.name in _LONGEST:
                text = "x" * _LONGEST[call.name]
            elif call.name == "default" and isinstance(first, StringLiteral):
                text = _longer([text, first.value])
            elif call.name in ("append", "prepend"):
                text += first.value if isinstance(first, StringLiteral) else _TEXT
            elif call.name == "truncate":
                text = text[: first.value if isinstance(first, IntegerLiteral) else 50]
            elif call.name == "answer":
                text, self.links = _TEXT, True
        return str(text)


def _longer(texts: Iterable[str]) -> str:
    return max(texts, key=lambda text: (segments(text).count, len(text)), default="")
