"""What a customer can choose from: the topics and channels of published journeys on which they can be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.utils import parseaddr
from typing import NamedTuple

from idic.api.pages.page_customer import PageCustomer
from idic.api.pages.page_texts import PageTexts
from idic.api.pages.questions import in_words
from idic.interact.consent import status_of
from idic.interact.reach import reach
from idic.journey.channels import CHANNELS, EMAIL, addressed
from idic.journey.contact_policy.contact_policy import Cap, Policy
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.journey.vocabulary.translations import in_language
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.store.customer import consents
from idic.store.database import Tx
from idic.store.journey import programs
from idic.store.journey.policies import Policies
from idic.store.journey.programs import Programs


class Box(NamedTuple):
    """The checkbox for one channel of one topic. ``was`` is the stored consent, ``on`` whether it is ticked; ``note`` says
    what is in the way, and ``open`` whether it can be changed anyway."""

    channel: str
    topic: str | None
    was: bool
    on: bool
    open: bool = True
    note: str = ""

    @property
    def name(self) -> str:
        """The form field's name."""
        return name_of(self.channel, self.topic)


def name_of(channel: str, topic: str | None) -> str:
    """The form field's name for a channel and topic."""
    return f"{channel}:{topic or ''}"


class TopicChoice(NamedTuple):
    """A topic with its title, its description and its checkboxes."""

    title: str
    about: str
    boxes: tuple[Box, ...]


class PublishedShop(NamedTuple):
    """The published vocabulary, policy and programs, as the customers' pages need them."""

    vocabulary: Vocabulary
    policy: Policy
    programs: tuple[Program, ...]

    @property
    def name(self) -> str:
        """The display name of the default sender; empty if it has none."""
        sender = self.policy.senders.get(self.policy.default_sender or "")
        return parseaddr(sender.email)[0] if sender is not None and sender.email else ""

    def hears(self, event: str) -> bool:
        """Whether this event enters a journey."""
        return any(pattern.on == event for program in self.programs for pattern in program.entry.on)

    def used(self) -> dict[str | None, list[str]]:
        """The advertising channels of each topic, in the order of the vocabulary; None stands for journeys without a topic."""
        found: dict[str | None, set[str]] = {}
        for program in self.programs:
            if program.purpose == "marketing":
                channels = {channel for step in program.steps.values() if isinstance(step, Send) for channel in step.channels}
                found.setdefault(program.topic, set()).update(channels)
        order = [*self.vocabulary.topics, *sorted(topic for topic in found if topic), None]
        return {
            topic: [channel for channel in CHANNELS if channel in found[topic]]
            for topic in dict.fromkeys(order)
            if topic in found
        }

    def title(self, topic: str | None, language: str) -> str:
        """The topic's title in the customer's language; empty for None."""
        if topic is None:
            return ""
        words = self.vocabulary.topics.get(topic)
        return in_language(words.title, language) if words is not None else in_words(topic)


class PublishedShops:
    """Reads what is published and caches what doesn't change."""

    def __init__(self) -> None:
        self._programs = Programs()
        self._policies = Policies()

    async def read(self, tx: Tx) -> PublishedShop:
        """Read what is published now."""
        document = await programs.vocabulary(tx)
        vocabulary = Vocabulary() if document is None else Vocabulary.model_validate(document)
        published = tuple(publication.program for publication in await self._programs.published(tx))
        return PublishedShop(vocabulary, await self._policies.current(tx), published)


async def suppressed(tx: Tx, person: PageCustomer, country: str | None) -> dict[str, str]:
    """By channel, why idic never writes to this customer's address there."""
    reasons = {}
    for channel in (channel.name for channel in addressed()):
        address = reach(channel, person.id, person.traits, None, person.now, country).address
        if address and (why := await consents.suppression_of(tx, channel, address)):
            reasons[channel] = why.reason
    return reasons


def topics(
    shop: PublishedShop, person: PageCustomer, barred: Mapping[str, str], words: PageTexts, ticked: Mapping[str, bool]
) -> list[TopicChoice]:
    """The topics that this customer can choose from; ``ticked`` holds the boxes they have just changed, by name."""
    choices = []
    for topic, channels in shop.used().items():
        boxes = [_box(shop, person, barred, words, ticked, topic, channel) for channel in channels]
        shown = tuple(box for box in boxes if box is not None)
        if shown:
            about = shop.vocabulary.topics[topic].about if topic in shop.vocabulary.topics else {}
            title = shop.title(topic, words.language) if topic else words("everything")
            choices.append(
                TopicChoice(title, in_language(about, words.language) if topic else words("everything.about"), shown)
            )
    return choices


def _box(
    shop: PublishedShop,
    person: PageCustomer,
    barred: Mapping[str, str],
    words: PageTexts,
    ticked: Mapping[str, bool],
    topic: str | None,
    channel: str,
) -> Box | None:
    """The checkbox for a channel, or None if the customer can't be reached on it."""
    country = shop.vocabulary.country
    if reach(channel, person.id, person.traits, person.web_seen_at, person.now, country).address is None:
        return None
    level = shop.policy.consent.get(channel, "single")
    stands = status_of(person.entries, channel, topic, level=level)
    # If the visitor owns the address, ticking a waiting consent confirms it.
    was = stands.allowed or (stands.state == "waiting" and not person.owns(channel))
    wishes = barred.get(channel) in consents.WISHES
    if channel in barred and not (channel == EMAIL.name and wishes):
        return Box(channel, topic, was=was, on=False, open=False, note=words(f"p.suppressed.{channel}"))
    note = words("p.waiting") if was and not stands.allowed else ""
    return Box(channel, topic, was=was, on=ticked.get(name_of(channel, topic), was), note=note)


def at_most(cap: Cap, words: PageTexts) -> str:
    """The cap for "fewer messages", in words: ``one message a week``."""
    days = cap.per.days + round(timedelta(seconds=cap.per.seconds) / timedelta(days=1))
    span = words({1: "p.span.day", 7: "p.span.week"}.get(days, "p.span.days"), days=days)
    return words("p.most.one" if cap.at_most == 1 else "p.most.many", count=cap.at_most, span=span)


def offered(found: Iterable[TopicChoice]) -> dict[tuple[str, str | None], Box]:
    """The checkboxes that can be changed."""
    return {(box.channel, box.topic): box for topic in found for box in topic.boxes if box.open}
