"""Content on the shop's own site, as journeys write it."""

from __future__ import annotations

from typing import Literal

from idic.journey.channels.channel import AssumedReactions, Channel, Content, ContentField, CustomerWords
from idic.times import Duration

WEB_MEMORY_DAYS = 30
"""Days for which a customer counts as a visitor of the site after their browser asked what to show."""

SHOWN_FOR = Duration(days=7)
"""How long content stays in its slot where the journey does not say."""


class WebContent(Content):
    """What fills ``slot``, a named place on the customer's own site: for ``show_for`` from the moment it is sent, or with
    ``ends_on_click`` until its first click, whichever is sooner; and never longer than until the goal."""

    channel: Literal["web"] = "web"
    slot: str
    body: str
    form: Literal["html", "text"] = "html"
    show_for: Duration
    ends_on_click: bool = False

    @property
    def first_words(self) -> str:
        """Where it stands: the body may be anything."""
        return f"in {self.slot}"

    @property
    def main_source(self) -> str:
        """The body."""
        return self.body


WEB = Channel(
    name="web",
    label="Web",
    word="web",
    noun="the web",
    counted=("message on the web", "messages on the web"),
    tally=("web", "web"),
    customer_words={
        "en": CustomerWords("on our website", "On our website"),
        "de": CustomerWords("auf unserer Website", "Auf unserer Website"),
    },
    content=WebContent,
    fields=(
        ContentField(
            "slot", "The place on your site, as in the vocabulary.", kind="slot", required=True, examples=("home_hero",)
        ),
        ContentField("body", "A file in templates/, or the text itself.", kind="template", required=True),
    ),
    example="web: slot and body",
    main_field="body",
    examples_for_text=("{slot: home_hero, body: hero.html}", "{body: hero.html}"),
    form="slot",
    placed=True,
    other_fields={"html": "body:", "text": "body:", "place": "slot:", "duration": "show_for:", "expires": "show_for:"},
    other_names={
        "banner": "web:", "onsite": "web:", "in_app": "web:", "popup": "web:", "content_card": "web:", "site": "web:",
    },
    consent="none",
    without_way_out=None,
    attribute=None,
    address_noun=f"a visit to the site (valid for {WEB_MEMORY_DAYS} days)",
    example_address="somebody",
    assumed=AssumedReactions(0.5, None, delivered=0.6, clicked=0.03),
    colors=("#be185d", "#fdf2f8"),
    icon='<rect x="1.2" y="2.5" width="13.6" height="11" rx="1.5"/><path d="M1.2 6h13.6M3.5 4.3h.1M5.5 4.3h.1"/>',
    preview_width=960,
)  # fmt: skip
