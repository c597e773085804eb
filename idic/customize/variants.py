"""Choose the content of a message by the customer's segment and language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from idic.journey.definition.message_layers import blocks_in, language_fallbacks
from idic.journey.program.content import AnyContent, Message
from idic.journey.program.program import Program


class ChosenContent(NamedTuple):
    """A content with the blocks it renders. ``language`` (BCP 47) is that of its text, and so of its dates and amounts."""

    content: AnyContent
    language: str
    blocks: Mapping[str, str]


def choose_content(message: Message, channel: str, segment: str, language: str, fallback: str) -> ChosenContent | None:
    """The content for a customer in this ``segment`` (empty: none) who reads ``language``; None if the message has none for
    the channel. ``fallback`` is the language of content that has no translation."""
    plain = message.variants.get(f"{segment}/", message.contents) if segment else message.contents
    content = plain.get(channel)
    if content is None:
        return None
    for tongue in language_fallbacks(language):
        if tongue == fallback:
            break
        own = message.variants.get(f"{segment}/{tongue}") or message.variants.get(f"/{tongue}")
        # A variant has all channels. Those that are not in its language have the same content as without it.
        if own is not None and own[channel] != content:
            return ChosenContent(own[channel], tongue, blocks_in(message.blocks, tongue))
    return ChosenContent(content, fallback, message.blocks)


def segment_without_variant(program: Program, message: Message) -> str | None:
    """A segment for which this message has no variant; None if every segment has one."""
    own = {variant.partition("/")[0] for variant in message.variants}
    return next((segment.name for segment in program.segments if segment.name not in own), None)


def reader_groups(message: Message) -> Iterator[tuple[str, str]]:
    """The segment and language of every variant of a message; first both empty, for customers without a variant."""
    yield "", ""
    for variant in message.variants:
        segment, _, language = variant.partition("/")
        yield segment, language
