"""Which of a message's contents somebody reads: by their segment, and in their language as far as it was written in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from idic.journey.definition.message_layers import blocks_in, tongues
from idic.journey.program.content import AnyContent, Message
from idic.journey.program.program import Program


class ChosenContent(NamedTuple):
    """``language`` (BCP 47) is that of the text, so that dates and amounts beside it are written in no other."""

    content: AnyContent
    language: str
    blocks: Mapping[str, str]


def choose_content(message: Message, channel: str, segment: str, language: str, fallback: str) -> ChosenContent | None:
    """What somebody of this ``segment`` (empty: none) reads who reads ``language``; ``fallback`` is the language of what was
    written in no other. None where the message has nothing for the channel."""
    plain = message.variants.get(f"{segment}/", message.contents) if segment else message.contents
    content = plain.get(channel)
    if content is None:
        return None
    for tongue in tongues(language):
        if tongue == fallback:
            break
        own = message.variants.get(f"{segment}/{tongue}") or message.variants.get(f"/{tongue}")
        # A variant has all channels. One that says the same as without it was not written in this language.
        if own is not None and own[channel] != content:
            return ChosenContent(own[channel], tongue, blocks_in(message.blocks, tongue))
    return ChosenContent(content, fallback, message.blocks)


def segment_without_variant(program: Program, message: Message) -> str | None:
    """A segment for which this message says nothing of its own, if there is one."""
    own = {variant.partition("/")[0] for variant in message.variants}
    return next((segment.name for segment in program.segments if segment.name not in own), None)


def reader_groups(message: Message) -> Iterator[tuple[str, str]]:
    """A segment and a language for every way in which the message reads; first those for whom there is nothing of their own,
    with both empty."""
    yield "", ""
    for variant in message.variants:
        segment, _, language = variant.partition("/")
        yield segment, language
