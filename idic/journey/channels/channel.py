"""What a channel is: a name, the words for it, and the fields of its content.

A channel says here everything that journeys, the contact policy, schemas and pictures need to know of it. What it does at the
edge (address, composing, sending) stands in ``idic.interact.channels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic import SerializerFunctionWrapHandler, model_serializer

from idic.frozen import Frozen

ConsentLevel = Literal["none", "single", "double"]
"""What consent a channel needs: ``none`` is allowed until it is withdrawn, ``single`` once it is given, ``double`` once it is
given and confirmed by who owns the address."""

TemplateForm = Literal["text", "short_text", "slot"]
"""What a template becomes, as far as more is checked than of any text or mail: a text that is billed by its length, or what
stands in a slot."""


class Content(Frozen):
    """What a message says on one channel. Each channel has a subclass, whose ``channel`` is its name."""

    channel: str

    @model_serializer(mode="wrap")
    def _kept(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {**serialize(self), "channel": self.channel}

    @property
    def first_words(self) -> str:
        """What a reader sees first, as a Liquid source."""
        raise NotImplementedError

    @property
    def main_source(self) -> str:
        """The Liquid source of the longest part: the body, or the text."""
        raise NotImplementedError


class ContentField(NamedTuple):
    """One entry of a channel's content under ``customize:``.

    ``kind`` is how it is read: ``text`` as free text, ``template`` as the text or as a file in templates/, ``slot`` as the name
    of a place on the site. ``one_line`` refuses line breaks. ``description`` and ``examples`` are for the JSON schema.
    """

    name: str
    description: str
    kind: Literal["text", "template", "slot"] = "text"
    required: bool = False
    one_line: bool = False
    examples: tuple[str, ...] = ()


class CustomerWords(NamedTuple):
    """What customers read of the channel on idic's pages, in one language.

    ``by`` stands in "Stop all advertising {by}", ``label`` beside a checkbox; ``suppressed`` says why nothing is sent to their
    address, and how to change that.
    """

    by: str
    label: str
    suppressed: str = ""


class AssumedReactions(NamedTuple):
    """What an invented crowd does where nobody says otherwise, as shares from 0 to 1.

    ``reach`` is the share of customers with an address, ``consents`` of those who agreed (None: not asked). Of the messages
    ``delivered`` arrive; the others are shares of the delivered.
    """

    reach: float
    consents: float | None
    delivered: float
    opened: float = 0
    clicked: float = 0.04
    unsubscribed: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One row of ``CHANNELS``.

    Words: ``label`` begins a line ("Email"), ``word`` stands inside a sentence and before a noun ("email"), ``noun`` after "in
    the way of" ("the web"), ``counted`` is one and several messages, ``tally`` the same in a list of channels.
    """

    name: str
    label: str
    word: str
    noun: str
    counted: tuple[str, str]
    tally: tuple[str, str]

    customer_words: Mapping[str, CustomerWords]
    """By language (BCP 47); English is there for each channel."""

    content: type[Content]
    fields: tuple[ContentField, ...]
    example: str
    """How an author writes its content, in short."""
    main_field: str
    """The field with the longest text."""
    written_as_text: bool = False
    """The main field may stand directly after the channel's name."""
    examples_for_text: tuple[str, str] | None = None
    """What to write in place of a bare text: in full, and in a variant."""
    form: TemplateForm = "text"
    takes_mjml: bool = False
    placed: bool = False
    """Its content stands in a slot of the shop's own site for some time. It has no address, and leaves with the transaction
    that records it."""
    other_fields: Mapping[str, str]
    """Wrong names of fields, each with the right one."""
    later_fields: tuple[str, ...] = ()
    other_names: Mapping[str, str]
    """What authors call the channel, each with what to write instead."""

    consent: ConsentLevel
    """What the contact policy asks where ``policy.yaml`` is silent."""
    without_way_out: tuple[str, str] | None
    """The warning for advertising that nobody can unsubscribe from, and what to write. None: no way out is needed."""
    stop_word: bool = False
    """A word such as STOP in the text is a way out, too."""
    sender_of_provider: bool = False
    """Senders belong to one provider, so that a stand-in account sends as its own."""

    attribute: str | None
    """The customer attribute with the address."""
    address_noun: str
    """What a customer needs to be reached."""
    example_address: str
    invented_addresses: tuple[str, ...] = ()
    """Addresses of an invented crowd, taken in turn; ``{number}`` is the customer's."""
    assumed: AssumedReactions

    colors: tuple[str, str]
    """Strong and light, in pictures."""
    icon: str
    """SVG on a square of 16."""
    preview_width: int = 0
    """CSS pixels of the picture of a preview."""

    @property
    def required_fields(self) -> tuple[str, ...]:
        """The fields that the content cannot do without."""
        return tuple(field.name for field in self.fields if field.required)

    @property
    def field_names(self) -> tuple[str, ...]:
        """Every field an author may write, in the order of writing."""
        return (*(field.name for field in self.fields), *(("show_for", "until") if self.placed else ()))
