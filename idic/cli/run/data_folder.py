"""Find the store that a verb works on, and run long work with progress and Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from idic.errors import SettingsError
from idic.settings import Settings, load

T = TypeVar("T")

_DEV = Path(".idic/dev")

Data = Annotated[Path | None, typer.Option(help="The folder of idic dev or idic demo to use, instead of IDIC_DATABASE_URL")]


def settings_for(data: Path | None) -> Settings:
    """The settings of this process, with the store in ``data`` if given.

    If no store is set anywhere, the folder of idic dev in the current folder is used. Raises ``SettingsError``.
    """
    from idic.logs import configure

    settings = load()
    configure(settings)
    data = data or at_home(settings)
    if data is None:
        return settings
    if not (data / "idic.db").is_file():
        raise SettingsError(f"{data} is not a folder of idic dev: it contains no idic.db")
    return settings.model_copy(update={"database_url": f"sqlite:///{(data / 'idic.db').resolve()}"})


def at_home(settings: Settings) -> Path | None:
    """The folder of idic dev in the current folder, if no store is set."""
    unset = settings.database_url == Settings.model_fields["database_url"].default and not Path("idic.db").exists()
    return _DEV if unset and (_DEV / "idic.db").is_file() else None


def interruptible(work: Callable[[asyncio.Event], Awaitable[T]]) -> T:
    """Run ``work``; Ctrl-C and SIGTERM set the event it gets, and it then ends by itself."""

    async def run() -> T:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await work(stop)

    return asyncio.run(run())


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a progress bar on standard error. Calling what it yields counts one more, or sets the total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def count(number: object = None) -> None:
            if isinstance(number, int):
                bar.update(task, completed=number)
            else:
                bar.advance(task)

        yield count


def sure(question: str, *, yes: bool) -> bool:
    """Whether the user confirmed, by option or now. Without a terminal, nobody is asked."""
    import sys

    if yes:
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm(question)
