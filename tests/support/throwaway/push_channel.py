"""Push messages, as journeys write them."""

from __future__ import annotations

from typing import Literal

from idic.journey.channels.channel import AssumedReactions, Channel, Content, ContentField, CustomerWords


class PushContent(Content):
    """Liquid sources of a title and a text."""

    channel: Literal["push"] = "push"
    title: str
    text: str

    @property
    def first_words(self) -> str:
        return self.title

    @property
    def main_source(self) -> str:
        return self.text


PUSH = Channel(
    name="push",
    label="Push",
    word="push message",
    noun="push",
    counted=("push message", "push messages"),
    tally=("push", "push"),
    customer_words={"en": CustomerWords("by push message", "Push messages")},
    content=PushContent,
    fields=(
        ContentField("title", "One line.", required=True, one_line=True),
        ContentField("text", "What is shown.", required=True),
    ),
    example="push: title and text",
    main_field="text",
    other_fields={"body": "text:"},
    other_names={"notification": "push:"},
    consent="single",
    without_way_out=None,
    attribute="push_token",
    address_noun="a telephone with the app",
    example_address="token",
    invented_addresses=("token-{number}",),
    assumed=AssumedReactions(0.4, 0.3, delivered=0.9),
    colors=("#123456", "#abcdef"),
    icon='<circle cx="8" cy="8" r="5.5"/>',
)
