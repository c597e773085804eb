"""Publish a folder of journeys now, and again whenever its files change."""

from __future__ import annotations

import asyncio
from pathlib import Path

import watchfiles

from idic.authoring import compile_folder
from idic.dev.machine import Say
from idic.errors import IdicError
from idic.publishing import publish
from idic.store.database import Store

_AGAIN = 1.0
"""Seconds until what could not be published is tried again."""


async def publish_now(store: Store, folder: Path, say: Say) -> bool:
    """Publish what checks; say what does not, and that its published version stays. Returns whether all did."""
    compilation = compile_folder(folder)
    errors = [problem for problem in compilation.problems if problem.severity == "error"]
    published = await publish(store, compilation)
    for name in published.changed:
        say(f"published {name}")
    for error in errors:
        say(str(error))
    if errors:
        say("What does not check was not published; where a version of it is published, that one stays.")
    return not errors


def _itself(folder: Path) -> tuple[int, int]:
    """What tells this folder from another that comes to have its name."""
    found = folder.stat()
    return found.st_dev, found.st_ino


async def publish_on_change(store: Store, folder: Path, say: Say) -> None:
    """Never ends by itself: what goes wrong is said once, and tried again until it goes right. A folder that was taken
    away is published when it is back, and watched anew: what is there then may be another folder of that name."""
    said, missed = "", False
    while True:
        try:
            watched = _itself(folder)
            if missed:
                await publish_now(store, folder, say)
                said = ""
            async for _ in watchfiles.awatch(folder, step=200):
                missed = True
                await publish_now(store, folder, say)
                if watched != _itself(folder):
                    break
        except (IdicError, OSError) as error:
            missed = True
            if str(error) != said:
                said = str(error)
                say(f"not published: {said}")
            await asyncio.sleep(_AGAIN)
