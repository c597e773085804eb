"""Liquid as idic speaks it: a chosen set of tags and filters, strict about names, bounded, blind to files and network.

Three dialects differ only in how they print a value: ``text`` as it is, ``html`` escaped, ``url`` percent-encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TextIO
from urllib.parse import quote

from liquid import BoundTemplate, Environment, Markup
from liquid.ast import Node
from liquid.builtin import content, illegal, output
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
from liquid.exceptions import TemplateNotFoundError
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.undefined import StrictUndefined

from idic.customize.filters import Url, callables

Dialect = Literal["text", "html", "url"]

BLOCKS = " blocks"
"""Where a rendering keeps the sources of its blocks: a name that no template can spell."""

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

SPELLED = ("if", "unless", "case", "for", "break", "continue", "assign", "capture", "cycle", "comment", "render", "raw")
"""The tags as authors write them."""


class _Absent(StrictUndefined):
    """A name that was not given: it may be asked about and filled by ``default``; printing it raises."""

    allowed_properties = StrictUndefined.allowed_properties | {"__class__", "__liquid__", "force_liquid_default"}
    force_liquid_default = True

    def __liquid__(self) -> None:
        return None


class _Context(RenderContext):
    def get_item(self, obj: Any, key: Any) -> Any:
        # A part of something missing is missing, and so is the third of two items. Unknown names still raise.
        if obj is None:
            return None
        try:
            return super().get_item(obj, key)
        except IndexError:
            return None


class _Template(BoundTemplate):
    context_class = _Context


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
            self.add_tag(tag)
        if self.dialect == "url":
            self.add_tag(_UrlOutput)
        self.filters.update(callables())
        if self.dialect == "url":
            self.filters["url_encode"] = _as_it_is  # printing encodes already

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


def _as_it_is(value: object) -> object:
    return value


_ENVIRONMENTS: dict[Dialect, _Environment] = {
    "text": _Environment("text"),
    "html": _Environment("html"),
    "url": _Environment("url"),
}


@lru_cache(maxsize=2048)
def parse(source: str, dialect: Dialect, name: str = "") -> BoundTemplate:
    """The parsed template; parsed once, since a worker renders the same few for everybody.

    Raises ``liquid.exceptions.LiquidError`` where the source is not Liquid.
    """
    return _ENVIRONMENTS[dialect].from_string(source, name=name)


__all__ = ["BLOCKS", "SPELLED", "TAGS", "Dialect", "Markup", "Node", "parse"]
