"""What a provider is: the row that each vendor has in the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender
    from idic.providers.webhook import Webhook

SettingsT = TypeVar("SettingsT", bound=BaseModel)


def _no_sender(settings: Any, public_url: str, connections: int) -> None:
    return None


def _no_name(settings: Any) -> str:
    return ""


def _no_webhook(settings: Any, public_url: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(Generic[SettingsT]):
    """One row of ``PROVIDERS``. Everything that takes settings gets those of all vendors, which include this one's, and raises
    ``SettingsError`` for settings that are wrong.

    ``is_set_up`` says whether messages can leave by it; None where it needs no settings. ``connect`` opens a sender with so
    many connections at most; None where the store itself takes the messages. ``sends_as`` is the sender where the contact
    policy names none. ``webhook`` is what receives the provider's reports, if they can be verified.
    """

    name: str
    channel: str
    summary: str
    settings: type[SettingsT] | None = None
    is_set_up: Callable[[SettingsT], bool] | None = None
    connect: Callable[[SettingsT, str, int], MessageSender[Any] | None] = _no_sender
    sends_as: Callable[[SettingsT], str] = _no_name
    webhook: Callable[[SettingsT, str], Webhook | None] = _no_webhook
    fallback: bool = False
    """Used where no account of the channel is set up."""
    in_store: bool = False
    """Its messages leave in the transaction that records them, so that one whose worker died certainly did not leave."""
    keeps_copies: bool = False
    """Copies of its messages are always kept, to be looked at."""
