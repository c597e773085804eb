"""Email, as journeys write it."""

from __future__ import annotations

from typing import Literal

from idic.journey.channels.channel import AssumedReactions, Channel, Content, ContentField, CustomerWords

EMAIL_ATTRIBUTE = "email"
"""The customer attribute, and the kind of identity, that holds an email address."""


class EmailContent(Content):
    """Liquid sources. ``form`` says what ``body`` is; ``text`` is the author's own text part, else it is derived."""

    channel: Literal["email"] = "email"
    subject: str
    preheader: str | None = None
    body: str
    form: Literal["mjml", "html", "text"] = "html"
    text: str | None = None

    @property
    def first_words(self) -> str:
        """The subject."""
        return self.subject

    @property
    def main_source(self) -> str:
        """The body."""
        return self.body


EMAIL = Channel(
    name="email",
    label="Email",
    word="email",
    noun="email",
    counted=("email", "emails"),
    tally=("email", "emails"),
    customer_words={
        "en": CustomerWords(
            "by email",
            "Email",
            "We can't deliver to this address. Give us another address, and we can write to you again.",
        ),
        "de": CustomerWords(
            "per E-Mail",
            "E-Mail",
            "Wir können an diese Adresse nicht zustellen. Wir können dir wieder schreiben, wenn du uns eine andere gibst.",
        ),
    },
    content=EmailContent,
    fields=(
        ContentField(
            "subject",
            "One line.",
            required=True,
            one_line=True,
            examples=("Still thinking it over, {{ customer.first_name | default: 'there' }}?",),
        ),
        ContentField("preheader", "What the list of mails shows after the subject."),
        ContentField(
            "body",
            "A file in templates/ (.mjml, .html, .txt), or the text itself.",
            kind="template",
            required=True,
            examples=("cart_reminder.mjml",),
        ),
        ContentField("text", "The text part, where it shall not be derived from the body."),
    ),
    example="email: subject and body",
    main_field="body",
    takes_mjml=True,
    other_fields={
        "html": "body:",
        "mjml": "body:",
        "template": "body:",
        "preview": "preheader:",
        "title": "subject:",
    },
    later_fields=("from", "sender", "attachments"),
    other_names={"mail": "email:", "e_mail": "email:", "newsletter": "email:"},
    consent="single",
    without_way_out=(
        "this mail does not say how to get no more of them",
        "put {{ links.unsubscribe }} into its body or a block of it",
    ),
    attribute=EMAIL_ATTRIBUTE,
    address_noun="an email address",
    example_address="somebody@example.com",
    invented_addresses=("customer-{number}@example.com",),
    assumed=AssumedReactions(0.9, 0.6, delivered=0.98, opened=0.35, clicked=0.04, unsubscribed=0.002),
    colors=("#1d4ed8", "#eff6ff"),
    icon='<rect x="1.2" y="3" width="13.6" height="10" rx="1.5"/><path d="m1.7 4 6.3 5 6.3-5"/>',
    preview_width=680,
)
