"""Assemble the content of a message for a segment and a language from its layers.

A more specific layer covers a less specific one: first the content for everybody, then that for the segment, then that in
the language, last that for the segment in the language. A template file with the language in its name is such a layer too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from idic.journey.definition.read_messages import ContentDefinition, MessageDefinition
from idic.journey.yaml_source.nodes import Scalar
from idic.times import Duration


class LayeredText(NamedTuple):
    """One text of a message. ``language`` is the language it was written in (empty: the fallback); ``file`` the template
    file in that language, if there is one."""

    scalar: Scalar
    language: str = ""
    file: str | None = None


class LayeredContent(NamedTuple):
    """The content for one channel, with all layers applied."""

    texts: dict[str, LayeredText]
    show_for: Duration | None = None
    ends_on_click: bool = False

    @property
    def in_own_language(self) -> bool:
        """Whether any of its texts is in a language other than the fallback."""
        return any(piece.language for piece in self.texts.values())

    def under(self, words: ContentDefinition, language: str = "") -> LayeredContent:
        """This content with another layer on top of it."""
        pieces = {name: LayeredText(scalar, language) for name, scalar in words.texts.items()}
        clicks = self.ends_on_click if words.ends_on_click is None else words.ends_on_click
        return LayeredContent({**self.texts, **pieces}, words.show_for or self.show_for, clicks)

    def in_file(self, body: Scalar, file: str, language: str) -> LayeredContent:
        """This content with its body from a template file in a language."""
        return self._replace(texts={**self.texts, "body": LayeredText(body, language, file)})


Contents = dict[str, LayeredContent]
"""By channel."""


@lru_cache(maxsize=256)
def language_fallbacks(language: str) -> tuple[str, ...]:
    """A BCP 47 tag followed by its fallbacks, the nearest first: de-AT, de."""
    parts = language.split("-")
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


def in_language(file: str, language: str) -> str:
    """The template's file name in a language: ``cart_reminder.de.mjml``."""
    stem, _, suffix = file.rpartition(".")
    return f"{stem}.{language}.{suffix}"


class MessageLayers:
    """The layers of one message. ``files`` are the existing templates; the first of ``languages`` is the fallback."""

    def __init__(self, text: MessageDefinition, languages: tuple[str, ...], files: Collection[str]) -> None:
        self.text = text
        self.files = files
        self.fallback = languages[0]
        self.segments = tuple(dict.fromkeys(segment for segment, _ in text.variants if segment))
        self.languages = tuple(language for language in languages[1:] if self._speaks(language))

    def combinations(self) -> Iterator[tuple[str, str]]:
        """Every segment and language that may have content of its own; first ``("", "")``, the content for everybody."""
        for language in ("", *self.languages):
            for segment in ("", *self.segments):
                yield segment, language

    def merged(self, segment: str, language: str, without: tuple[str, str] | None = None) -> Contents:
        """The content for a segment and a language, by channel. ``without`` leaves out one variant, to see what it changes."""
        variants = {place: variant.contents for place, variant in self.text.variants.items() if place != without}
        merged: Contents = {channel: LayeredContent({}) for channel in self.text.contents}
        everybody, of_segment = self.text.contents, variants.get((segment, ""), {}) if segment else {}
        _lay(merged, everybody)
        _lay(merged, of_segment)
        tags = [tag for tag in reversed(language_fallbacks(language)) if tag != self.fallback] if language else []
        for whose, contents in (("", everybody), (segment, of_segment)) if segment else (("", everybody),):
            for tag in tags:
                self._lay_files(merged, contents, tag)
                _lay(merged, variants.get((whose, tag), {}), tag)
        return merged

    def _lay_files(self, merged: Contents, contents: Mapping[str, ContentDefinition], language: str) -> None:
        for channel, words in contents.items():
            body = words.texts.get("body")
            if body is not None and channel in merged and (file := in_language(body.value.strip(), language)) in self.files:
                merged[channel] = merged[channel].in_file(body, file, language)

    def _speaks(self, language: str) -> bool:
        tags = [tag for tag in language_fallbacks(language) if tag != self.fallback]
        if any(spoken in tags for _, spoken in self.text.variants):
            return True
        all_contents = [self.text.contents, *(variant.contents for variant in self.text.variants.values())]
        bodies = [
            words.texts["body"].value.strip()
            for contents in all_contents
            for words in contents.values()
            if "body" in words.texts
        ]
        return any(in_language(body, tag) in self.files for body in bodies for tag in tags)


def _lay(merged: Contents, contents: Mapping[str, ContentDefinition], language: str = "") -> None:
    for channel, words in contents.items():
        if channel in merged:
            merged[channel] = merged[channel].under(words, language)


def blocks_in(blocks: Mapping[str, str], language: str) -> Mapping[str, str]:
    """The template blocks to ``render`` in this language: ``footer.de`` replaces ``footer`` if it exists."""
    tags = [tag for tag in reversed(language_fallbacks(language)) if tag]
    if not any(name.endswith(f".{tag}") for name in blocks for tag in tags):
        return blocks
    translated = dict(blocks)
    for tag in tags:
        translated |= {name.removesuffix(f".{tag}"): source for name, source in blocks.items() if name.endswith(f".{tag}")}
    return translated


def block_in(name: str, blocks: Collection[str], language: str) -> str:
    """The name of the block's file in this language."""
    return next((file for tag in language_fallbacks(language) if (file := f"{name}.{tag}") in blocks), name)
