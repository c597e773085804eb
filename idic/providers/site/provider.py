"""The shop's own site as a row of the registry: the store takes its content, so that nobody is called."""

from __future__ import annotations

from typing import Any

from idic.journey.channels import WEB
from idic.providers.provider import Provider

SITE: Provider[Any] = Provider(name=WEB.name, channel=WEB.name, summary="The shop's own site", fallback=True, in_store=True)
