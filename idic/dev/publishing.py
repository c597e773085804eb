"""Publish a folder of journeys now, and again whenever its files change."""

from __future__ import annotations

from pathlib import Path

import watchfiles

from idic.authoring import compile_folder
from idic.dev.machine import Say
from idic.publishing import publish
from idic.store.database import Store


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


async def publish_on_change(store: Store, folder: Path, say: Say) -> None:
    async for _ in watchfiles.awatch(folder, step=200):
        await publish_now(store, folder, say)
