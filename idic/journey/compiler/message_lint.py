"""Warn of messages that an author has not finished: half translations, empty variants, no opt-out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from idic.journey.channels import CHANNELS, Channel
from idic.journey.compiler.compile_templates import WAYS_OUT, TemplateCompiler
from idic.journey.definition.message_layers import Contents, LayeredContent, MessageLayers, in_language
from idic.journey.definition.read_messages import MessageDefinition, describe_variant
from idic.problems import Mark, Problems

_STOP = re.compile(r"\b(stopp?|arr[eê]t)\b", re.IGNORECASE)


def warn_of_redundant_variants(text: MessageDefinition, layers: MessageLayers, problems: Problems) -> None:
    """Warns of a variant that reads the same as the message without it."""
    for place, variant in text.variants.items():
        if _written(layers.merged(*place)) == _written(layers.merged(*place, without=place)):
            message = f'message "{text.name.value}", {describe_variant(*place)}: nothing differs'
            problems.warning(variant.name.mark, message, "take it out, or write what differs")


def warn_of_partial_translations(text: MessageDefinition, layers: MessageLayers, problems: Problems) -> None:
    """Warns where a customer would read two languages: in one email, or on two channels."""
    warned: set[tuple[Mark, str]] = set()

    def warn(mark: Mark, language: str, message: str, hint: str) -> None:
        if (mark, language) not in warned:
            warned.add((mark, language))
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
                warn(text.given[channel].mark, language, message, f"write {under}")
                continue
            for name, piece in content.texts.items():
                if not piece.language and name != "slot":
                    file = piece.scalar.value.strip() if name == "body" else ""
                    own = f"the template {in_language(file, language)}, or " if file in layers.files else ""
                    message = f"its {channel} is in {language}, and the {name} of it is not"
                    warn(piece.scalar.mark, language, message, f"write {own}{name}: in {under}")


def warn_of_missing_opt_out(
    text: MessageDefinition, layers: MessageLayers, templates: TemplateCompiler, problems: Problems
) -> None:
    """Warns of advertising that does not say how to unsubscribe."""
    warned: set[Mark] = set()
    for segment, language in layers.combinations():
        for name, content in layers.merged(segment, language).items():
            channel = CHANNELS[name]
            if channel.without_way_out is None or _has_opt_out(channel, content, templates, language):
                continue
            mark = content.texts[channel.main_field].scalar.mark
            if mark not in warned:
                warned.add(mark)
                what, hint = channel.without_way_out
                problems.warning(mark, f'message "{text.name.value}": {what}', hint)


def _has_opt_out(channel: Channel, content: LayeredContent, templates: TemplateCompiler, language: str) -> bool:
    spoken = language if content.in_own_language else ""
    piece = content.texts[channel.main_field]
    main = next(field for field in channel.fields if field.name == channel.main_field)
    source = templates.body(piece) if main.kind == "template" else templates.plain(piece)
    links_out = _leads_out(templates.reads_of(piece, source, channel.form, spoken))
    return links_out or (channel.stop_word and _STOP.search(piece.scalar.value) is not None)


def _leads_out(reads: Iterable[str]) -> bool:
    return not set(WAYS_OUT).isdisjoint(reads)


def _written(contents: Contents) -> object:
    return {
        channel: ({name: piece.file or piece.scalar.value.strip() for name, piece in content.texts.items()}, content[1:])
        for channel, content in contents.items()
    }
