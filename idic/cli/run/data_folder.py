"""Where the store is that a verb works on, and how long work is stopped and shown."""

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

Data = Annotated[
    Path | None, typer.Option(help="The folder of idic dev or idic demo that is meant, instead of IDIC_DATABASE_URL")
]


def settings_for(data: Path | None) -> Settings:
    """The settings of this process, with the store in ``data`` if that is named; or in idic dev's folder beside us, where
    nothing says where the store is. Raises ``SettingsError``."""
    from idic.logs import configure

    settings = load()
    configure(settings)
    data = data or at_home(settings)
    if data is None:
        return settings
    if not (data / "idic.db").is_file():
        raise SettingsError(f"{data} is no folder of idic dev: there is no idic.db in it")
    return settings.model_copy(update={"database_url": f"sqlite:///{(data / 'idic.db').resolve()}"})


def at_home(settings: Settings) -> Path | None:
    """The folder of idic dev in this one, where nothing says where the store is."""
    unset = settings.database_url == Settings.model_fields["database_url"].default and not Path("idic.db").exists()
    return _DEV if unset and (_DEV / "idic.db").is_file() else None


def interruptible(work: Callable[[asyncio.Event], Awaitable[T]]) -> T:
    """Run ``work``; Ctrl-C and SIGTERM set the event that it is handed, and it comes to an end by itself."""

    async def run() -> T:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return await work(stop)

    return asyncio.run(run())


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A bar on standard error while something long goes on; what is yielded counts one more, or is told how many there are."""
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
    """Whether somebody said that they mean it: on the command line, or now. Nobody is asked where there is no terminal."""
    import sys

    if yes:
        return True
    return sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm(question)
