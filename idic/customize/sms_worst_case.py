"""Estimate the most parts that an SMS can need: the longest path through its template.

The values of customers are not known in advance. So their length is assumed, and the result says what was assumed.
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
from idic.customize.liquid.filters import FILTERS
from idic.customize.sms_segments import plain_spaces, segments
from idic.customize.variants import choose_content, reader_groups
from idic.journey.channels.sms import SMS, SmsContent
from idic.journey.definition.read_messages import describe_variant
from idic.journey.program.content import Message
from idic.journey.program.program import Program

VALUE = 40
"""Assumed characters of a text, such as a name, and of a shortened link."""
TURNS = 3
"""Assumed rounds of a loop."""

_TEXT = "x" * VALUE
_UNICODE = "\u0416"
_NO_LANGUAGE = "und"


class WorstCase(NamedTuple):
    """The most parts of an SMS: ``plain`` if all values are in the telephone alphabet, ``unicode`` if one is not.

    ``plain`` is None if the text itself is not in that alphabet; ``unicode`` is None if the SMS prints no texts. ``texts``,
    ``links`` and ``loops`` tell what was assumed: texts and links of up to ``VALUE`` characters, loops of up to ``TURNS``
    rounds.
    """

    plain: int | None
    unicode: int | None
    texts: bool = False
    links: bool = False
    loops: bool = False


def worst_case(message: Message) -> WorstCase | None:
    """The worst case of a message over all segments and languages; None for a message without an SMS."""
    return max((worst for _, worst in _variants(message)), key=_cost, default=None)


def _variants(message: Message) -> Iterator[tuple[tuple[str, str], WorstCase]]:
    """The worst case for each segment and language with a text of its own, first for everybody."""
    for segment, language in reader_groups(message):
        chosen = choose_content(message, SMS.name, segment, language or _NO_LANGUAGE, _NO_LANGUAGE)
        if chosen is not None and isinstance(chosen.content, SmsContent):
            yield (segment, language), _worst(chosen.content.text, chosen.blocks)


def _worst(source: str, blocks: Mapping[str, str]) -> WorstCase:
    walk = _LongestText(blocks)
    text = " ".join(plain_spaces(walk.longest(parse(source, "text").nodes)).split())
    parts = segments(text)
    assumed = walk.texts, walk.links, walk.loops
    if parts.encoding == "Unicode":
        return WorstCase(None, parts.count, *assumed)
    # A text of the same length with one character of another script.
    return WorstCase(parts.count, segments(_UNICODE + text[1:]).count if walk.texts else None, *assumed)


def _cost(worst: WorstCase) -> tuple[int, int]:
    return max(worst.plain or 0, worst.unicode or 0), worst.plain or worst.unicode or 0


def describe_worst_cases(program: Program) -> str:
    """The worst cases of a program's SMS in one line; empty if it sends no SMS.

    ``personal_offer: at most 2 (GSM-7), 3 where a name needs Unicode; in de: at most 1 (GSM-7) · assumed: texts and links of
    up to 40 characters``
    """
    by_message = {name: dict(_variants(message)) for name, message in program.messages.items()}
    all_cases = [worst for variants in by_message.values() for worst in variants.values()]
    if not all_cases:
        return ""
    assumed = []
    kinds = [kind for kind in ("texts", "links") if any(getattr(worst, kind) for worst in all_cases)]
    if kinds:
        assumed.append(f"{' and '.join(kinds)} of up to {VALUE} characters")
    if any(worst.loops for worst in all_cases):
        assumed.append(f"lists of up to {TURNS}")
    counts = "; ".join(f"{name}: {_describe_variants(variants)}" for name, variants in by_message.items() if variants)
    return f"{counts} · assumed: {', '.join(assumed)}" if assumed else counts


def _describe_variants(variants: Mapping[tuple[str, str], WorstCase]) -> str:
    """The worst case for everybody, and those of variants that differ from it, or from everybody in their language."""
    everybody = variants["", ""]
    others = [
        f"{describe_variant(segment, language)} {_describe(worst)}"
        for (segment, language), worst in variants.items()
        if _describe(worst) != _describe(variants.get(("", language), everybody) if segment else everybody)
    ]
    return ", ".join([_describe(everybody), *others])


def _describe(worst: WorstCase) -> str:
    if worst.plain is None:
        return f"at most {worst.unicode} (Unicode)"
    if worst.unicode is None or worst.unicode == worst.plain:
        return f"at most {worst.plain} (GSM-7)" if worst.unicode is None else f"at most {worst.plain}"
    return f"at most {worst.plain} (GSM-7), {worst.unicode} where a name needs Unicode"


class _LongestText:
    """Builds the longest text that a template can make: of several branches it takes the longest.

    ``texts``, ``links`` and ``loops`` tell which of them the template has.
    """

    def __init__(self, blocks: Mapping[str, str]) -> None:
        self.blocks = blocks
        self.texts = False
        self.links = False
        self.loops = False
        self.local: dict[str, str] = {}

    def longest(self, nodes: Iterable[Node]) -> str:
        """The longest text of these nodes."""
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
                # Several `when` can match, and all matching ones are written.
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
            longest = FILTERS[call.name].longest if call.name in FILTERS else None
            if longest is not None:
                text = "x" * longest
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
