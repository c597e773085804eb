"""Parse Liquid with idic's tags, filters and limits.

Names are strict, rendering is limited, and templates have no access to files or network. There are three dialects, which
differ only in how they print a value: ``text`` unchanged, ``html`` escaped, ``url`` percent-encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO
from urllib.parse import quote

from liquid import BoundTemplate, Environment, Markup, Token
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    render_tag,
    unless_tag,
)
from liquid.context import RenderContext
from liquid.exceptions import LiquidSyntaxError, TemplateNotFoundError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.undefined import StrictUndefined

from idic.customize.liquid.filters import Url, liquid_filters
from idic.customize.liquid.limits import Effort

Dialect = Literal["text", "html", "url"]

BLOCKS = " blocks"
"""The variable with the sources of the blocks: a name that no template can spell."""

EFFORT = " effort"
"""The variable with the Effort of a rendering: a name that no template can spell."""

TAGS: tuple[type[Tag], ...] = (
    content.Literal,
    output.Output,
    illegal.Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    cycle_tag.CycleTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
    render_tag.RenderTag,
)

TAG_NAMES = ("if", "unless", "case", "for", "break", "continue", "assign", "capture", "cycle", "comment", "render", "raw")
"""The tags as authors write them."""


class _Absent(StrictUndefined):
    """A name without a value: it can be tested and filled by ``default``; printing it raises."""

    allowed_properties = StrictUndefined.allowed_properties | {"__class__", "__liquid__", "force_liquid_default"}
    force_liquid_default = True

    def __liquid__(self) -> None:
        return None


class _Context(RenderContext):
    """A rendering that counts its steps."""

    def get_item(self, obj: Any, key: Any) -> Any:
        # A part of a missing value is missing, and so is the third of two items. Unknown names still raise.
        if obj is None:
            return None
        try:
            return super().get_item(obj, key)
        except IndexError:
            return None

    @property
    def _effort(self) -> Effort:
        effort = self.resolve(EFFORT, default=None)
        return effort if isinstance(effort, Effort) else Effort()

    weight: int | None = None
    """Nodes in the loop that is about to begin; None if a block is repeated instead."""

    def raise_for_loop_limit(self, length: int = 1) -> None:
        # Liquid's own limit counts loops in loops, but not loops one after the other.
        super().raise_for_loop_limit(length)
        weight, self.weight = self.weight, None
        self._effort.loop(length, _weight(self.template) if weight is None else weight)

    def assign(self, key: str, val: Any) -> None:
        self._effort.assign(len(self.locals))
        super().assign(key, val)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        return self._effort.counted(super().filter(name, token))

    def copy(
        self,
        namespace: Mapping[str, object],
        disabled_tags: list[str] | None = None,
        carry_loop_iterations: bool = False,
        template: BoundTemplate | None = None,
        block_scope: bool = False,
    ) -> RenderContext:
        # Liquid does not count a block that renders another eight times, which renders a third eight times.
        self._effort.render(_weight(template or self.template))
        return super().copy(namespace, disabled_tags, carry_loop_iterations, template, block_scope)


class _Template(BoundTemplate):
    context_class = _Context
    weight = 0
    """The number of its nodes."""


def _weight(template: BoundTemplate) -> int:
    return template.weight if isinstance(template, _Template) else 0


class _ForNode(for_tag.ForNode):
    """A loop that tells its weight before it begins."""

    weight = 0
    """The number of nodes in it."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        if isinstance(context, _Context):
            context.weight = self.weight
        return super().render_to_output(context, buffer)


class _For(for_tag.ForTag):
    node_class = _ForNode


class _UrlOutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        text = to_liquid_string(value, autoescape=False)
        return buffer.write(text if isinstance(value, Url) else quote(text, safe=""))


class _UrlOutput(output.Output):
    node_class = _UrlOutputNode


class _Environment(Environment):
    block_nesting_limit = 30
    context_depth_limit = 10
    loop_iteration_limit = 10_000
    local_namespace_limit = 100_000
    output_stream_limit = 1_000_000
    template_class = _Template

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        super().__init__(undefined=_Absent, autoescape=dialect == "html")

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(_For if tag is for_tag.ForTag else tag)
        if self.dialect == "url":
            self.add_tag(_UrlOutput)
        self.filters.update(liquid_filters())
        if self.dialect == "url":
            self.filters["url_encode"] = _unchanged  # printing encodes already

    def get_template(
        self,
        name: str,
        *,
        globals: Mapping[str, object] | None = None,
        context: RenderContext | None = None,
        **_: object,
    ) -> BoundTemplate:
        blocks = context.resolve(BLOCKS, default=None) if context else None
        if not isinstance(blocks, Mapping) or name not in blocks:
            raise TemplateNotFoundError(name, token=None)
        return parse(str(blocks[name]), self.dialect, name)


def _unchanged(value: object) -> object:
    return value


_ENVIRONMENTS: dict[Dialect, _Environment] = {
    "text": _Environment("text"),
    "html": _Environment("html"),
    "url": _Environment("url"),
}


@lru_cache(maxsize=2048)
def parse(source: str, dialect: Dialect, name: str = "") -> BoundTemplate:
    """Parse a template; cached, as a worker renders the same few templates for all customers.

    Raises ``liquid.exceptions.LiquidError`` if the source is not Liquid.
    """
    template = _ENVIRONMENTS[dialect].from_string(source, name=name)
    assert isinstance(template, _Template)
    template.weight = sum(_count_nodes(node, template) for node in template.nodes)
    return template


def _count_nodes(node: Node, template: BoundTemplate) -> int:
    """The number of nodes in this one, itself included. Sets the ``weight`` of every loop among them."""
    _refuse_ranges_outside_loops(node)
    inside = sum(_count_nodes(child, template) for child in node.children(RenderContext(template), include_partials=False))
    if isinstance(node, _ForNode):
        node.weight = inside
    return 1 + inside


def _refuse_ranges_outside_loops(node: Node) -> None:
    """Outside a loop's head a range would be expanded to a list of any length."""
    for expression in node.expressions():
        inner = expression.children() if isinstance(expression, LoopExpression) else [expression]
        for part in (part for child in inner for part in _parts(child)):
            if isinstance(part, RangeLiteral) and not (isinstance(expression, LoopExpression) and part is expression.iterable):
                raise LiquidSyntaxError(f"a range such as {part} is only allowed in {{% for %}}", token=part.token)


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _parts(child)


__all__ = ["BLOCKS", "EFFORT", "TAGS", "TAG_NAMES", "Dialect", "Markup", "Node", "parse"]
