"""SMS, as journeys write them."""

from __future__ import annotations

from typing import Literal

from idic.journey.channels.channel import AssumedReactions, Channel, Content, ContentField, CustomerWords

PHONE_ATTRIBUTE = "phone"
"""The customer attribute, and the kind of identity, that holds a telephone number."""


class SmsContent(Content):
    """A Liquid source; what it renders to is sent as it is, with its links shortened."""

    channel: Literal["sms"] = "sms"
    text: str

    @property
    def first_words(self) -> str:
        """The text."""
        return self.text

    @property
    def main_source(self) -> str:
        """The text."""
        return self.text


SMS = Channel(
    name="sms",
    label="SMS",
    word="SMS",
    noun="SMS",
    counted=("SMS", "SMS"),
    tally=("SMS", "SMS"),
    customer_words={
        "en": CustomerWords("by SMS", "SMS", "We don't send messages to this number. To change that, text START to us."),
        "de": CustomerWords(
            "per SMS",
            "SMS",
            "An diese Nummer schicken wir nichts. Wenn du das ändern willst, schick uns eine SMS mit START.",
        ),
    },
    content=SmsContent,
    fields=(
        ContentField(
            "text",
            "What is sent. 160 characters a part, 70 where one is not in GSM-7.",
            required=True,
        ),
    ),
    example='sms: "…"',
    main_field="text",
    written_as_text=True,
    form="short_text",
    other_fields={"body": "text:", "message": "text:", "subject": "text: alone; an SMS has no subject"},
    later_fields=("from", "sender"),
    other_names={"text_message": "sms:", "text": "sms: for an SMS, or email: for a mail"},
    consent="single",
    without_way_out=("this SMS does not say how to get no more of them", "end it with: Stop: {{ links.unsubscribe }}"),
    stop_word=True,
    sender_of_provider=True,
    attribute=PHONE_ATTRIBUTE,
    address_noun="a phone number that takes SMS",
    example_address="+10000000000",
    # Whose number it is changes nothing, and reading one takes as long as a journey.
    invented_addresses=tuple(f"+491511234{number:04}" for number in range(100)),
    assumed=AssumedReactions(0.6, 0.3, delivered=0.97, clicked=0.06, unsubscribed=0.005),
    colors=("#15803d", "#f0fdf4"),
    icon=(
        '<path d="M3 2h10a2 2 0 0 1 2 2v5.5a2 2 0 0 1-2 2H7L3.5 14.5v-3H3a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Z"/>'
        '<path d="M4.5 6.8h.1M8 6.8h.1M11.5 6.8h.1"/>'
    ),
)
