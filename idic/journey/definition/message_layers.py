"""What is written of a message, put together for everybody, for a segment, in a language, and for a segment in a language.

What differs lies over what does not: first what everybody reads, then what is for the segment, then what is in the language,
last what is for the segment in the language. A template that has a file of its own in a language lies there by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from idic.journey.definition.read_messages import MessageText, Words
from idic.journey.yaml_source.nodes import Scalar
from idic.times import Duration


class LayeredText(NamedTuple):
    """One text of a message. ``language`` is that in which it was written, empty for the fallback; ``file`` the template that
    stands for it in that language."""

    scalar: Scalar
    language: str = ""
    file: str | None = None


class LayeredContent(NamedTuple):
    """One channel's content, with all that lies over each other."""

    texts: dict[str, LayeredText]
    show_for: Duration | None = None
    ends_on_click: bool = False

    @property
    def in_own_language(self) -> bool:
        return any(piece.language for piece in self.texts.values())

    def under(self, words: Words, language: str = "") -> LayeredContent:
        pieces = {name: LayeredText(scalar, language) for name, scalar in words.texts.items()}
        clicks = self.ends_on_click if words.ends_on_click is None else words.ends_on_click
        return LayeredContent({**self.texts, **pieces}, words.show_for or self.show_for, clicks)

    def in_file(self, body: Scalar, file: str, language: str) -> LayeredContent:
        return self._replace(texts={**self.texts, "body": LayeredText(body, language, file)})


Contents = dict[str, LayeredContent]
"""By channel."""


@lru_cache(maxsize=256)
def tongues(language: str) -> tuple[str, ...]:
    """A BCP 47 tag with what it falls back to, the nearest first: de-AT, de."""
    parts = language.split("-")
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


def in_language(file: str, language: str) -> str:
    """``cart_reminder.de.mjml``."""
    stem, _, suffix = file.rpartition(".")
    return f"{stem}.{language}.{suffix}"


class MessageLayers:
    """``files`` are the templates there are; the first of ``languages`` is the fallback."""

    def __init__(self, text: MessageText, languages: tuple[str, ...], files: Collection[str]) -> None:
        self.text = text
        self.files = files
        self.fallback = languages[0]
        self.segments = tuple(dict.fromkeys(segment for segment, _ in text.variants if segment))
        self.languages = tuple(language for language in languages[1:] if self._speaks(language))

    def combinations(self) -> Iterator[tuple[str, str]]:
        """Every segment and language for which there may be something of their own; first of all nobody's."""
        for language in ("", *self.languages):
            for segment in ("", *self.segments):
                yield segment, language

    def merged(self, segment: str, language: str, without: tuple[str, str] | None = None) -> Contents:
        """What they read; ``without`` one of the variants, to see what it changes."""
        own = {place: variant.contents for place, variant in self.text.variants.items() if place != without}
        found: Contents = {channel: LayeredContent({}) for channel in self.text.contents}
        everybody, of_segment = self.text.contents, own.get((segment, ""), {}) if segment else {}
        _lay(found, everybody)
        _lay(found, of_segment)
        spoken = [one for one in reversed(tongues(language)) if one != self.fallback] if language else []
        for whose, written in (("", everybody), (segment, of_segment)) if segment else (("", everybody),):
            for one in spoken:
                self._lay_files(found, written, one)
                _lay(found, own.get((whose, one), {}), one)
        return found

    def _lay_files(self, found: Contents, contents: Mapping[str, Words], language: str) -> None:
        for channel, words in contents.items():
            body = words.texts.get("body")
            if body is not None and channel in found and (file := in_language(body.value.strip(), language)) in self.files:
                found[channel] = found[channel].in_file(body, file, language)

    def _speaks(self, language: str) -> bool:
        own = [one for one in tongues(language) if one != self.fallback]
        if any(spoken in own for _, spoken in self.text.variants):
            return True
        written = [self.text.contents, *(variant.contents for variant in self.text.variants.values())]
        bodies = [words.texts["body"].value.strip() for part in written for words in part.values() if "body" in words.texts]
        return any(in_language(body, one) in self.files for body in bodies for one in own)


def _lay(found: Contents, contents: Mapping[str, Words], language: str = "") -> None:
    for channel, words in contents.items():
        if channel in found:
            found[channel] = found[channel].under(words, language)


def blocks_in(blocks: Mapping[str, str], language: str) -> Mapping[str, str]:
    """The sources that ``render`` takes where this language is spoken: ``footer`` is ``footer.de`` if there is one."""
    own = [one for one in reversed(tongues(language)) if one]
    if not any(name.endswith(f".{one}") for name in blocks for one in own):
        return blocks
    found = dict(blocks)
    for one in own:
        found |= {name.removesuffix(f".{one}"): source for name, source in blocks.items() if name.endswith(f".{one}")}
    return found


def block_in(name: str, blocks: Collection[str], language: str) -> str:
    """The name of the block's own file where this language is spoken."""
    return next((own for one in tongues(language) if (own := f"{name}.{one}") in blocks), name)
