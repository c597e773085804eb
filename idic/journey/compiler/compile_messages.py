"""Compile messages: their content for everybody, for each segment and in each language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from idic.journey.channels import CHANNELS, Channel, Content
from idic.journey.channels.web import SHOWN_FOR
from idic.journey.compiler.compile_templates import Form, TemplateCompiler, Templates, TemplateText
from idic.journey.compiler.message_lint import warn_of_missing_opt_out, warn_of_partial_translations, warn_of_redundant_variants
from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.compiler.reachability import PathFacts, facts_at_all
from idic.journey.definition.message_layers import LayeredContent, MessageLayers
from idic.journey.definition.read_messages import MessageDefinition, describe_variant
from idic.journey.expressions.context import Names
from idic.journey.program.content import AnyContent, Message
from idic.journey.template_checker import ContentChecker
from idic.journey.vocabulary.read_vocabulary import Reading
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Mark, Problems, did_you_mean, one_of


class MessageCompiler:
    """Compiles the messages under ``customize:``. ``used`` fills with the messages and channels that steps send."""

    def __init__(
        self,
        messages: Iterable[MessageDefinition],
        reading: Reading,
        names: NamesOfJourney,
        templates: Templates,
        checker: ContentChecker,
        problems: Problems,
        *,
        purpose: str,
    ) -> None:
        self.texts = {message.name.value: message for message in messages}
        self.reading = reading
        self.names = names
        self.templates = templates
        self.checker = checker
        self.problems = problems
        self.purpose = purpose
        self.used: set[tuple[str, str]] = set()
        self._reported_slots: set[Mark] = set()

    def note_sent(self, message: Scalar, channels: Sequence[Scalar], step: str) -> None:
        """Notes that a step sends this message, and checks that it has content for these channels."""
        name = message.value
        text = self.texts.get(name)
        if text is None:
            hint = did_you_mean(name, self.texts) or "write its content under customize:"
            self.problems.error(message.mark, f'step "{step}": message "{name}" does not exist', hint, about=("message", name))
            return
        if not channels:  # a reported error; any channel may have been meant
            self.used.update((name, channel) for channel in text.given)
        for channel in channels:
            self.used.add((name, channel.value))
            if channel.value not in text.given:
                self.problems.error(
                    channel.mark,
                    f'step "{step}": message "{name}" has no content for {channel.value}',
                    f"write its {CHANNELS[channel.value].example}",
                )

    def messages(self, facts_by_step: Mapping[str, PathFacts], sent: Mapping[str, str]) -> dict[str, Message]:
        """The messages that are sent, checked with the names that can be read at every step that sends them.

        ``sent`` is the message of each step.
        """
        compiled: dict[str, Message] = {}
        for name, text in self.texts.items():
            senders = [step for step, message in sent.items() if message == name]
            if not senders and (sent or not self.problems.failed):
                hint = "send it from a step, or take it out"
                self.problems.warning(text.name.mark, f'message "{name}" is never sent', hint)
            for channel, key in text.given.items():
                if senders and (name, channel) not in self.used:
                    hint = f"send it by {channel}, or take it out"
                    self.problems.warning(key.mark, f'message "{name}" is never sent by {channel}', hint)
            if not text.contents:
                continue
            facts = facts_at_all(facts_by_step[step] for step in senders)
            names = self.names.at(facts, f'the message "{name}"')
            message = self.message(name, self.without_unknown(text), names)
            if senders:
                compiled[name] = message
        return compiled

    def without_unknown(self, text: MessageDefinition) -> MessageDefinition:
        """The message without variants for unknown segments and languages, which are reported, as are unknown channels."""
        label = f'message "{text.name.value}"'
        languages = self.reading.vocabulary.languages
        for segment in text.segments:
            if not self.names.segments:
                hint = "write them under differentiate:"
                self.problems.error(segment.mark, f"{label}: this journey has no segments", hint, about=("segments", label))
            elif segment.value not in self.names.segments:
                hint = did_you_mean(segment.value, self.names.segments) or f"there are {one_of(self.names.segments, 'and')}"
                message = f'segment "{segment.value}" does not exist'
                self.problems.error(segment.mark, message, hint, about=("segment", segment.value))
        for language in text.languages:
            if language.value == languages[0]:
                hint = f"text outside of in: is {language.value}, the first of languages: in vocabulary.yaml"
                self.problems.error(language.mark, f"{label} is in {language.value} already", hint)
            elif language.value not in languages:
                hint = did_you_mean(language.value, languages[1:]) or "add it to languages: in vocabulary.yaml"
                message = f'language "{language.value}" is not in the vocabulary'
                self.problems.error(language.mark, message, hint, about=("language", language.value))
        known = {
            (segment, language): variant
            for (segment, language), variant in text.variants.items()
            if (not segment or segment in self.names.segments) and (not language or language in languages[1:])
        }
        for place, variant in known.items():
            for channel, key in variant.given.items():
                if channel not in text.given:
                    hint = f"write its {CHANNELS[channel].example}, beside for: and in:"
                    message = f"{label}, {describe_variant(*place)}: there is no {channel} for everybody"
                    self.problems.error(key.mark, message, hint)
        return replace(text, variants=known)

    def message(self, name: str, text: MessageDefinition, names: Names) -> Message:
        """One message, with the variants that differ from what customers would read without them."""
        layers = MessageLayers(text, self.reading.vocabulary.languages, self.templates.bodies)
        templates = TemplateCompiler(name, names, self.names, self.reading, self.templates, self.checker, self.problems)
        base: dict[str, AnyContent] = {}
        variants: dict[str, dict[str, AnyContent]] = {}
        for segment, language in layers.combinations():
            merged = layers.merged(segment, language)
            contents = {
                channel: self.content(name, CHANNELS[channel], layer, templates, language) for channel, layer in merged.items()
            }
            if not segment and not language:
                base = contents
                continue
            otherwise = variants.get(f"/{language}") or variants.get(f"{segment}/") or base
            if contents != otherwise:
                variants[f"{segment}/{language}"] = contents
        if not self.problems.failed:
            warn_of_redundant_variants(text, layers, self.problems)
            warn_of_partial_translations(text, layers, self.problems)
            if self.purpose == "marketing":
                warn_of_missing_opt_out(text, layers, templates, self.problems)
        reads, blocks = dict(sorted(templates.reads.items())), dict(sorted(templates.blocks.items()))
        return Message(id=name, contents=base, variants=variants, reads=reads, blocks=blocks)

    def content(
        self, message: str, channel: Channel, merged: LayeredContent, templates: TemplateCompiler, language: str
    ) -> Content:
        """The content for one channel, segment and language."""
        # If nothing of the content is in this language, its blocks and dates are not either.
        spoken = language if merged.in_own_language else ""
        values: dict[str, Any] = {}
        for field in channel.fields:
            piece = merged.texts.get(field.name)
            if piece is None:
                continue
            if field.kind == "slot":
                values[field.name] = self.slot(piece.scalar)
                continue
            text = templates.text(piece, channel.form, spoken, body=field.kind == "template")
            values[field.name] = text.source.strip() if field.required and field.kind == "text" else text.source
            if field.kind == "template":
                values["form"] = self.form(message, channel, text)
        if channel.placed:
            values |= {"show_for": merged.show_for or SHOWN_FOR, "ends_on_click": merged.ends_on_click}
        return channel.content(**values)

    def form(self, message: str, channel: Channel, body: TemplateText) -> Form:
        """The form of a body: text, HTML or MJML. MJML is refused if the channel does not take it."""
        if body.form != "mjml" or channel.takes_mjml:
            return body.form
        hint = "write HTML, in a file that ends in .html"
        self.problems.error(
            body.scalar.mark, f'message "{message}": MJML is for emails', hint, about=("mjml", body.scalar.value)
        )
        return "html"

    def slot(self, scalar: Scalar) -> str:
        """The name of a slot; reports it once if it is not declared."""
        slot, slots = scalar.value, self.reading.vocabulary.slots
        if scalar.mark in self._reported_slots:
            return slot
        self._reported_slots.add(scalar.mark)
        if slots is None:
            hint = "list the places of your site under slots: in vocabulary.yaml, so that idic finds misspelled ones"
            self.problems.warning(scalar.mark, f'slot "{slot}" is not declared', hint, about=("slot", slot))
        elif slot not in slots:
            hint = did_you_mean(slot, slots) or "declare it under slots: in vocabulary.yaml"
            self.problems.error(scalar.mark, f'slot "{slot}" does not exist', hint, about=("slot", slot))
        return slot
