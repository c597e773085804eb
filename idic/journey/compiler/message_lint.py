"""What an author may have forgotten: the rest of a translation, what a variant is to change, the way out of advertising."""

from __future__ import annotations

import re
from collections.abc import Iterable

from idic.journey.channels import CHANNELS, Channel
from idic.journey.compiler.compile_templates import WAYS_OUT, TemplateCompiler
from idic.journey.definition.message_layers import Contents, LayeredContent, MessageLayers, in_language
from idic.journey.definition.read_messages import MessageText, spoken_of
from idic.problems import Mark, Problems

_STOP = re.compile(r"\b(stopp?|arr[eê]t)\b", re.IGNORECASE)


def warn_of_redundant_variants(text: MessageText, layers: MessageLayers, problems: Problems) -> None:
    """A segment or a language for which there is written what is read anyway."""
    for place, variant in text.variants.items():
        if _said(layers.merged(*place)) == _said(layers.merged(*place, without=place)):
            message = f'message "{text.name.value}", {spoken_of(*place)}: nothing differs'
            problems.warning(variant.name.mark, message, "take it out, or write what does")


def warn_of_partial_translations(text: MessageText, layers: MessageLayers, problems: Problems) -> None:
    """Where somebody would read two languages: in one mail, or by one channel and another."""
    told: set[tuple[Mark, str]] = set()

    def tell(mark: Mark, language: str, message: str, hint: str) -> None:
        if (mark, language) not in told:
            told.add((mark, language))
            problems.warning(mark, f'message "{text.name.value}": {message}', hint)

    for segment, language in layers.combinations():
        merged = layers.merged(segment, language)
        translated = [channel for channel, content in merged.items() if content.in_own_language]
        for channel, content in merged.items():
            if not translated:
                continue
            under = f"{channel}: under {f'for: {segment}: ' if segment else ''}in: {language}:"
            if channel not in translated:
                message = f"its {translated[0]} is in {language}, and its {channel} is not"
                tell(text.given[channel].mark, language, message, f"write {under}")
                continue
            for name, piece in content.texts.items():
                if not piece.language and name != "slot":
                    file = piece.scalar.value.strip() if name == "body" else ""
                    own = f"the template {in_language(file, language)}, or " if file in layers.files else ""
                    message = f"its {channel} is in {language}, and the {name} of it is not"
                    tell(piece.scalar.mark, language, message, f"write {own}{name}: in {under}")


def warn_of_missing_opt_out(text: MessageText, layers: MessageLayers, sources: TemplateCompiler, problems: Problems) -> None:
    """Advertising that does not say how to get no more of it."""
    told: set[Mark] = set()
    for segment, language in layers.combinations():
        for name, content in layers.merged(segment, language).items():
            channel = CHANNELS[name]
            if channel.without_way_out is None or _says_how(channel, content, sources, language):
                continue
            mark = content.texts[channel.main_field].scalar.mark
            if mark not in told:
                told.add(mark)
                what, hint = channel.without_way_out
                problems.warning(mark, f'message "{text.name.value}": {what}', hint)


def _says_how(channel: Channel, content: LayeredContent, sources: TemplateCompiler, language: str) -> bool:
    spoken = language if content.in_own_language else ""
    piece = content.texts[channel.main_field]
    main = next(field for field in channel.fields if field.name == channel.main_field)
    source = sources.body(piece) if main.kind == "template" else sources.plain(piece)
    leads_out = _leads_out(sources.reads_of(piece, source, channel.form, spoken))
    return leads_out or (channel.stop_word and _STOP.search(piece.scalar.value) is not None)


def _leads_out(reads: Iterable[str]) -> bool:
    return not set(WAYS_OUT).isdisjoint(reads)


def _said(contents: Contents) -> object:
    return {
        channel: ({name: piece.file or piece.scalar.value.strip() for name, piece in one.texts.items()}, one[1:])
        for channel, one in contents.items()
    }
