"""Walking a template on every path: does each name exist, is what is printed there, does each filter take its value?

The walk carries what is known at each point: the variables the template made, and which names are certain to have a
value because an ``{% if %}`` asked. Where paths meet, only what is true on all of them stays known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import Blank, Empty, Nil, StringLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.render_tag import RenderNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from idic.customize.liquid.engine import parse
from idic.customize.template_check.facts import TemplateFacts, TemplateValue, merge_values, place_of, suggestion
from idic.customize.template_check.foreign_syntax import explain_syntax_error, find_foreign_syntax
from idic.customize.template_check.if_conditions import ConditionChecker
from idic.journey.program.values import Type
from idic.journey.vocabulary.types import NUMBER, TEXT, YES_NO

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NO_DEFAULT = re.compile(r" \| default: *(?:empty|blank)?$")

FORLOOP = Type(
    kind="thing",
    thing="forloop",
    fields={
        "index": NUMBER, "index0": NUMBER, "rindex": NUMBER, "rindex0": NUMBER, "length": NUMBER,
        "first": YES_NO, "last": YES_NO,
    },
)  # fmt: skip


MOST_BLOCKS = 1000
"""Blocks that one template may render, those that its blocks render counted."""


class TemplateWalker(ConditionChecker):
    """Checks one template. ``reads`` and ``problems`` fill as it goes."""

    _rendered = 0

    def check(self, source: str, known: TemplateFacts | None = None) -> None:
        outer, self._source = self._source, source
        try:
            self._check(source, known or TemplateFacts({}, frozenset()))
        finally:
            self._source = outer

    def _check(self, source: str, known: TemplateFacts) -> None:
        elsewhere = list(find_foreign_syntax(source))
        for place, message in elsewhere:
            self._tell(place, message)
        if elsewhere:
            return
        try:
            template = parse(source, "text")
        except LiquidError as error:
            self._tell(*explain_syntax_error(source, error))
            return
        self._nodes(template.nodes, known)

    # Statements. Each takes what is known before it and gives what is known after, or None where nothing follows.

    def _nodes(self, nodes: Iterable[Node], known: TemplateFacts) -> TemplateFacts | None:
        after: TemplateFacts | None = known
        for node in nodes:
            if after is None:
                break
            after = self._node(node, after)
        return after

    def _node(self, node: Node, known: TemplateFacts) -> TemplateFacts | None:
        match node:
            case BlockNode(nodes=nodes):
                return self._nodes(nodes, known)
            case ContentNode() | CommentNode():
                return known
            case OutputNode(expression=expression):
                self._printed(expression, known)
                return known
            case CycleNode():
                for expression in node.args:
                    self._printed(expression, known)
                return known
            case AssignNode(name=name, expression=expression):
                value = self._value(expression, known)
                if value.group:
                    self._tell(place_of(expression), f'"{value.group}" has several values; name one of them')
                # What becomes of a variable that may be empty, its author asks.
                value = value._replace(path=value.path or self._fresh(name), silent=False)
                return known.bind(str(name), value)
            case CaptureNode(name=name, block=block):
                inside = self._nodes([block], known)
                return inside and inside.bind(str(name), TemplateValue(TEXT))
            case IfNode() | UnlessNode():
                return self._conditional(node, known)
            case CaseNode():
                return self._case(node, known)
            case ForNode():
                return self._for(node, known)
            case RenderNode():
                self._render(node, known)
                return known
            case BreakNode() | ContinueNode():
                return None
            case _:  # every tag of engine.TAGS is above
                raise TypeError(type(node).__name__)

    def _conditional(self, node: IfNode | UnlessNode, known: TemplateFacts) -> TemplateFacts | None:
        facts = self._condition(node.condition, known)
        holds, fails = (facts.if_true, facts.if_false)
        if isinstance(node, UnlessNode):
            holds, fails = fails, holds
        ends = [self._nodes([node.consequence], known.and_there(holds))]
        rest = known.and_there(fails)
        for alternative in node.alternatives:
            facts = self._condition(alternative.expression, rest)
            ends.append(self._nodes([alternative.block], rest.and_there(facts.if_true)))
            rest = rest.and_there(facts.if_false)
        ends.append(self._nodes([node.default], rest) if node.default else rest)
        return self._join(ends)

    def _case(self, node: CaseNode, known: TemplateFacts) -> TemplateFacts | None:
        left = self._value(node.expression, known)
        after: TemplateFacts | None = known
        for block in node.blocks:
            if after is None:
                break
            inside = after
            if isinstance(block, MultiExpressionBlockNode):
                options = block.expression.expressions
                for option in options:
                    self._comparable(left, self._value(option, known), option, equality=True)
                if left.path and not any(isinstance(option, (Nil, Blank, Empty)) for option in options):
                    inside = inside.and_there(frozenset({left.path}))
                after = self._join([after, self._nodes([block.block], inside)])
            else:
                after = self._join([after, self._nodes([block], inside)])
        return after

    def _for(self, node: ForNode, known: TemplateFacts) -> TemplateFacts | None:
        loop = node.expression
        over = self._value(loop.iterable, known)
        for bound in (loop.limit, loop.offset):
            if bound is not None:
                value = self._value(bound, known)
                if value.missing or (value.type and value.type.kind != "number"):
                    self._tell(place_of(bound), "a loop's limit and offset are numbers that are always there")
        element: Type | None = None
        if over.type and over.type.kind == "list":
            element = over.type.of
        elif over.type:
            self._tell(place_of(loop.iterable), f"{{% for %}} goes over a list; {self._called(loop.iterable, over)}")
        elif over.group:
            self._tell(place_of(loop.iterable), f'{{% for %}} goes over a list; "{over.group}" is none')

        def inside(known: TemplateFacts) -> TemplateFacts:
            item = TemplateValue(element, path=self._fresh(loop.identifier), solid=over.solid)
            return known.bind(loop.identifier, item).bind("forloop", TemplateValue(FORLOOP, solid=True))

        # The second round sees what the first has left behind, as the second turn of a loop does.
        once = self._nodes([node.block], inside(known))
        around = self._join(
            [known, once and TemplateFacts({k: v for k, v in once.local.items() if k in known.local}, once.there)]
        )
        if around and around != known:
            self._nodes([node.block], inside(around))
        ends = [around, self._nodes([node.default], known) if node.default else known]
        made = set(once.local if once else ()) - set(known.local) - {loop.identifier, "forloop"}
        self._partly |= made
        return self._join(ends)

    def _render(self, node: RenderNode, known: TemplateFacts) -> None:
        if not isinstance(node.name, StringLiteral):
            self._tell(node.token.start_index, "write the block's name in quotes: {% render 'footer' %}")
            return
        name, place = node.name.value, place_of(node.name)
        local = {argument.name: self._value(argument.value, known) for argument in node.args}
        if node.var is not None:
            value = self._value(node.var, known)
            if node.loop and value.type and value.type.kind == "list":
                value = TemplateValue(value.type.of)
                local["forloop"] = TemplateValue(FORLOOP, solid=True)
            local[str(node.alias or name)] = value
        if name not in self.blocks:
            self._tell(place, f'there is no block "{name}"{suggestion(name, self.blocks)}')
            return
        if name in self._rendering:
            self._tell(place, f'the block "{name}" renders itself')
            return
        self._rendered += 1
        if self._rendered > MOST_BLOCKS:
            if self._rendered == MOST_BLOCKS + 1:
                self._tell(
                    place, f"more than {MOST_BLOCKS} blocks are rendered, those in blocks counted: put some of them together"
                )
            return
        self._rendering = (*self._rendering, name)
        try:
            # A block sees what it is handed and what every template sees, not the variables round its call.
            passed = {key: value._replace(path=value.path or self._fresh(key)) for key, value in local.items()}
            self.check(self.blocks[name], TemplateFacts(passed, known.there))
        finally:
            self._rendering = self._rendering[:-1]

    def _join(self, ends: Iterable[TemplateFacts | None]) -> TemplateFacts | None:
        reached = [end for end in ends if end is not None]
        if not reached:
            return None
        first, *others = reached
        for other in others:
            self._partly |= first.local.keys() ^ other.local.keys()
            local = {name: merge_values(value, other.local[name]) for name, value in first.local.items() if name in other.local}
            first = TemplateFacts(local, first.there & other.there)
        return first

    def _printed(self, expression: Expression, known: TemplateFacts) -> None:
        place, value, spelled = place_of(expression), self._value(expression, known), str(expression)
        if isinstance(expression, FilteredExpression):
            # What is missing may be the argument of a filter: then the whole of it is.
            inner = self._value(expression.left, known)
            spelled = str(expression.left) if inner.missing or not value.missing else spelled
        if value.group:
            self._tell(place, f'"{value.group}" has several values; name one of them')
        elif value.type is None:
            return
        elif value.missing and value.type.kind not in ("list", "thing", "yes/no"):
            written = _NO_DEFAULT.sub("", str(expression))
            shown = {"money": f"{written} | money", "date": f"{written} | date", "moment": f"{written} | date"}
            guard = "" if " | " in spelled else f" or put it inside {{% if {spelled} %}}"
            self._tell(
                place,
                f'"{spelled}" may be missing, and no customer ever reads "Hi !": '
                f"write {{{{ {shown.get(value.type.kind, written)} | default: '…' }}}}{guard}",
            )
        elif value.silent and self._read_by_people(place):
            left = expression.left if isinstance(expression, FilteredExpression) else expression
            self._tell(
                place,
                f'"{left}" may be missing, and an empty default leaves a gap there: no customer ever reads "Hi !"; '
                f"write {{{{ {left} | default: '…' }}}} with what to say, or put it inside {{% if {left} %}}",
            )
        else:
            match value.type.kind:
                case "text" | "number" | "one_of" | "link" | "zone" | "days":
                    pass
                case "money":
                    self._tell(place, f'"{spelled}" is money: write {{{{ {spelled} | money }}}}')
                case "date" | "moment":
                    self._tell(place, f'"{spelled}" is a {value.type.kind}: write {{{{ {spelled} | date }}}}')
                case "yes/no":
                    self._tell(place, f'"{spelled}" is yes/no: ask it with {{% if {spelled} %}}')
                case "list":
                    self._tell(place, f'"{spelled}" is a list: go over it with {{% for item in {spelled} %}}')
                case "thing":
                    self._tell(place, f'"{spelled}" is a {value.type.thing or "thing"}: print one of its fields')
                case unreachable:
                    assert_never(unreachable)

    def _read_by_people(self, place: int) -> bool:
        """Whether what is printed here is running text: an attribute and an address may well be empty in a place."""
        before = _LIQUID.sub("", self._source[:place].rpartition("{{")[0])
        word = before[max(before.rfind(space) for space in " \n\t") + 1 :]
        return before.rfind("<") <= before.rfind(">") and "://" not in word
