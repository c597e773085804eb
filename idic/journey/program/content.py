"""The messages of a program: every word that customers read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field as Model

from idic.frozen import Frozen
from idic.journey.channels import CHANNELS, Content
from idic.journey.program.values import Attribute

if TYPE_CHECKING:
    AnyContent = Content
else:
    AnyContent = Annotated[Union[tuple(channel.content for channel in CHANNELS.values())], Model(discriminator="channel")]  # noqa: UP007
"""The content of any channel: what is stored says which by ``channel``."""


class Message(Frozen):
    """``reads`` every name that any of its templates uses, with types; ``blocks`` the sources of what they render.

    ``contents`` by channel is what everybody reads for whom there is nothing of their own. ``variants`` are those of a
    segment, a language or both, by ``segment/language`` with either part empty: each has all its channels, not only what
    differs.
    """

    id: str
    contents: dict[str, AnyContent]
    variants: dict[str, dict[str, AnyContent]] = {}
    reads: dict[str, Attribute] = {}
    blocks: dict[str, str] = {}
