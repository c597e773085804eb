"""Push messages by pigeon: settings, the sender, and the row in the registry."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from idic.interact.channels.contract import Accepted, Outcome
from idic.providers.provider import Provider
from idic.setting_types import plain_text

TAKEN: list[tuple[str, str, str]] = []


class PigeonSettings(BaseModel):
    pigeon_key: SecretStr | None = Field(None, description="The key of the loft")


class PigeonSender:
    account = "pigeon"

    async def send(self, message: tuple[str, str, str], /) -> Outcome:
        TAKEN.append(message)
        return Accepted(f"pigeon-{len(TAKEN)}")

    async def close(self) -> None: ...


PIGEON = Provider(
    name="pigeon",
    channel="push",
    summary="A pigeon",
    settings=PigeonSettings,
    is_set_up=lambda settings: bool(plain_text(settings.pigeon_key)),
    connect=lambda settings, public_url, connections: PigeonSender(),
    fallback=True,
)
