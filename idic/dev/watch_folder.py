"""Publish a folder of journeys now, and again whenever its files change.

Addresses under ``.example`` can't exist (RFC 2606). Links there are replaced by the local shop, so that a click in a
message opens a page.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import watchfiles

from idic.dev.local_stack import Say
from idic.errors import IdicError
from idic.journey.program.program import Program
from idic.journeys_folder import compile_folder
from idic.publish import publish
from idic.store.database import Store
from idic.store.journey.programs import published_journeys

_NOWHERE = re.compile(r"https?://(?:[\w-]+\.)+example(?=[/?#]|$)")
_AGAIN = 1.0
"""Seconds until a failed publication is retried."""


async def publish_now(store: Store, folder: Path, say: Say, shop: str) -> bool:
    """Publish the journeys that check, and report the others, whose published versions stay. ``shop`` is the local shop's
    address. Returns whether all were published."""
    compilation = compile_folder(folder)
    async with store.reading() as tx:
        stopped = {one.journey for one in await published_journeys(tx) if one.stopped_at is not None}
    # A stopped journey stays stopped, whichever file is saved next.
    local = {name: leading_to(shop, program) for name, program in compilation.programs.items() if name not in stopped}
    compilation = compilation._replace(programs=local)
    errors = [problem for problem in compilation.problems if problem.severity == "error"]
    published = await publish(store, compilation)
    for name in published.changed:
        say(f"published {name}")
    for name in sorted(stopped & compilation.files.keys()):
        say(f"{name} is stopped and stays so; idic publish starts it again")
    if published.policy:
        say("published the contact policy")
    for error in errors:
        say(str(error))
    if errors:
        say("The journey with errors was not published. Its published version keeps running.")
    return not errors


def leading_to(shop: str, program: Program) -> Program:
    """``program`` with its ``.example`` links replaced by ``shop``."""
    links = {name: _NOWHERE.sub(shop, address, count=1) for name, address in program.links.items()}
    return program.changed(links=links)


def _itself(folder: Path) -> tuple[int, int]:
    """The folder's identity, which another folder of the same name doesn't share."""
    found = folder.stat()
    return found.st_dev, found.st_ino


async def publish_on_change(store: Store, folder: Path, say: Say, shop: str) -> None:
    """Never ends by itself: an error is reported once and retried. A folder that was removed and comes back is published
    and watched again, because it may be another folder of the same name."""
    said, missed = "", False
    while True:
        try:
            watched = _itself(folder)
            if missed:
                await publish_now(store, folder, say, shop)
                said = ""
            async for _ in watchfiles.awatch(folder, step=200):
                missed = True
                await publish_now(store, folder, say, shop)
                if watched != _itself(folder):
                    break
        except (IdicError, OSError) as error:
            missed = True
            if str(error) != said:
                said = str(error)
                say(f"not published: {said}")
            await asyncio.sleep(_AGAIN)
