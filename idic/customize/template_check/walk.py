"""Check a template on every path: do names exist, can printed values be missing, do filters take their values?

The walk carries the facts at each place: the template's variables, and which names certainly have a value because an
``{% if %}`` tests them. Where paths meet, only the facts that hold on all of them are kept.
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
"""Most blocks that one template may render, including blocks in blocks."""


class TemplateWalker(ConditionChecker):
    """Checks one template. ``reads`` and ``problems`` fill during the walk."""

    _rendered = 0

    def check(self, source: str, known: TemplateFacts | None = None) -> None:
        """Checks a source, or a block where the facts in ``known`` hold."""
        outer, self._source = self._source, source
        try:
            self._check(source, known or TemplateFacts({}, frozenset()))
        finally:
            self._source = outer

    def _check(self, source: str, known: TemplateFacts) -> None:
        foreign_syntax = list(find_foreign_syntax(source))
        for place, message in foreign_syntax:
            self._tell(place, message)
        if foreign_syntax:
            return
        try:
            template = parse(source, "text")
        except LiquidError as error:
            self._tell(*explain_syntax_error(source, error))
            return
        self._nodes(template.nodes, known)

    # Each of these methods takes the facts before a node and returns those after it, or None if no path goes on.

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
                # Authors test variables that may be blank themselves.
                value = value._replace(path=value.path or self._fresh(name), may_be_blank=False)
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
        ends = [self._nodes([node.consequence], known.with_present(holds))]
        rest = known.with_present(fails)
        for alternative in node.alternatives:
            facts = self._condition(alternative.expression, rest)
            ends.append(self._nodes([alternative.block], rest.with_present(facts.if_true)))
            rest = rest.with_present(facts.if_false)
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
                    self._check_comparable(left, self._value(option, known), option, equality=True)
                if left.path and not any(isinstance(option, (Nil, Blank, Empty)) for option in options):
                    inside = inside.with_present(frozenset({left.path}))
                after = self._join([after, self._nodes([block.block], inside)])
            else:
                after = self._join([after, self._nodes([block], inside)])
        return after

    def _for(self, node: ForNode, known: TemplateFacts) -> TemplateFacts | None:
        loop = node.expression
        iterable = self._value(loop.iterable, known)
        for bound in (loop.limit, loop.offset):
            if bound is not None:
                value = self._value(bound, known)
                if value.missing or (value.type and value.type.kind != "number"):
                    self._tell(place_of(bound), "limit and offset of a loop must be numbers that are never missing")
        element: Type | None = None
        if iterable.type and iterable.type.kind == "list":
            element = iterable.type.of
        elif iterable.type:
            self._tell(place_of(loop.iterable), f"{{% for %}} needs a list; {self._described(loop.iterable, iterable)}")
        elif iterable.group:
            self._tell(place_of(loop.iterable), f'{{% for %}} needs a list; "{iterable.group}" is not a list')

        def inside(known: TemplateFacts) -> TemplateFacts:
            item = TemplateValue(element, path=self._fresh(loop.identifier), complete=iterable.complete)
            return known.bind(loop.identifier, item).bind("forloop", TemplateValue(FORLOOP, complete=True))

        # Checked twice: the second round of a loop sees the variables that the first has set.
        after_one = self._nodes([node.block], inside(known))
        any_round = self._join(
            [
                known,
                after_one and TemplateFacts({k: v for k, v in after_one.local.items() if k in known.local}, after_one.present),
            ]
        )
        if any_round and any_round != known:
            self._nodes([node.block], inside(any_round))
        ends = [any_round, self._nodes([node.default], known) if node.default else known]
        set_inside = set(after_one.local if after_one else ()) - set(known.local) - {loop.identifier, "forloop"}
        self._set_on_some_paths |= set_inside
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
                local["forloop"] = TemplateValue(FORLOOP, complete=True)
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
                    place, f"more than {MOST_BLOCKS} blocks are rendered, including blocks in blocks: combine some of them"
                )
            return
        self._rendering = (*self._rendering, name)
        try:
            # A block sees the values passed to it and the declared names, not the variables of its caller.
            passed = {key: value._replace(path=value.path or self._fresh(key)) for key, value in local.items()}
            self.check(self.blocks[name], TemplateFacts(passed, known.present))
        finally:
            self._rendering = self._rendering[:-1]

    def _join(self, ends: Iterable[TemplateFacts | None]) -> TemplateFacts | None:
        reached = [end for end in ends if end is not None]
        if not reached:
            return None
        first, *others = reached
        for other in others:
            self._set_on_some_paths |= first.local.keys() ^ other.local.keys()
            local = {name: merge_values(value, other.local[name]) for name, value in first.local.items() if name in other.local}
            first = TemplateFacts(local, first.present & other.present)
        return first

    def _printed(self, expression: Expression, known: TemplateFacts) -> None:
        place, value, spelled = place_of(expression), self._value(expression, known), str(expression)
        if isinstance(expression, FilteredExpression):
            # If an argument of a filter is missing, then so is the whole expression.
            inner = self._value(expression.left, known)
            spelled = str(expression.left) if inner.missing or not value.missing else spelled
        if value.group:
            self._tell(place, f'"{value.group}" has several values; name one of them')
        elif value.type is None:
            return
        elif value.missing and value.type.kind not in ("list", "thing", "yes/no"):
            without_default = _NO_DEFAULT.sub("", str(expression))
            formatted = {
                "money": f"{without_default} | money",
                "date": f"{without_default} | date",
                "moment": f"{without_default} | date",
            }
            guard = "" if " | " in spelled else f" or put it inside {{% if {spelled} %}}"
            self._tell(
                place,
                f'"{spelled}" may be missing and would print nothing: '
                f"write {{{{ {formatted.get(value.type.kind, without_default)} | default: '…' }}}}{guard}",
            )
        elif value.may_be_blank and self._read_by_people(place):
            left = expression.left if isinstance(expression, FilteredExpression) else expression
            self._tell(
                place,
                f'"{left}" may be missing, and an empty default leaves a gap in the text; '
                f"write {{{{ {left} | default: '…' }}}} with a text, or put it inside {{% if {left} %}}",
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
                    self._tell(place, f'"{spelled}" is yes/no: use it in {{% if {spelled} %}}')
                case "list":
                    self._tell(place, f'"{spelled}" is a list: print its items with {{% for item in {spelled} %}}')
                case "thing":
                    self._tell(place, f'"{spelled}" is a {value.type.thing or "thing"}: print one of its fields')
                case unreachable:
                    assert_never(unreachable)

    def _read_by_people(self, place: int) -> bool:
        """Whether this place is in running text, and not in an attribute or an address, where a gap does no harm."""
        before = _LIQUID.sub("", self._source[:place].rpartition("{{")[0])
        word = before[max(before.rfind(space) for space in " \n\t") + 1 :]
        return before.rfind("<") <= before.rfind(">") and "://" not in word
