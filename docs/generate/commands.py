"""The commands of ``idic`` with their help."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import typer.main

from docs.generate.markdown import code, table
from idic.cli import app


def commands(*_: str) -> str:
    """Every command: what it does, its arguments and its options."""
    return "\n\n".join(part for name, command in _commands() for part in _command(name, command))


def command_list(*_: str) -> str:
    """Every command in a line, with a link to its section."""
    rows = []
    for name, command in _commands():
        rows.append((f"[`idic {name}`](#idic-{name.replace(' ', '-')})", _paragraphs(command)[0]))
    return table(("command", "what it does"), rows)


def _commands() -> Iterator[tuple[str, Any]]:
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {verb}", one) for verb, one in inner.items())


def _paragraphs(command: Any) -> list[str]:
    """The help of a command. Blocks between fences stay as they are."""
    text = inspect.cleandoc((command.help or "").replace("\f", ""))
    parts: list[str] = []
    for number, part in enumerate(text.split("```")):
        if number % 2:
            parts.append(f"```text\n{part.strip(chr(10))}\n```")
        else:
            parts += [" ".join(paragraph.split()) for paragraph in part.split("\n\n") if paragraph.strip()]
    return parts


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## idic {name}"
    arguments = [one for one in command.params if one.param_type_name == "argument" and not one.hidden]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = " ".join(("idic", name, *(_argument(one) for one in arguments), *(("[OPTIONS]",) if options else ())))
    yield f"```text\n{usage}\n```"
    yield from _paragraphs(command)
    if arguments:
        yield table(("argument", "default", "meaning"), ((code(one.name), _default(one), one.help or "") for one in arguments))
    if options:
        yield table(("option", "default", "meaning"), ((_option(one), _default(one), one.help or "") for one in options))


def _argument(argument: Any) -> str:
    name = argument.name.upper() + ("…" if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = [code(f"{name} {option.metavar}" if option.metavar else name) for name in option.opts]
    return ", ".join(names)


def _default(param: Any) -> str:
    value = param.default
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool) or callable(value) or value in ((), []):
        return "required" if param.required else ""
    return code(value)


TABLES: Mapping[str, Callable[..., str]] = {"commands": commands, "command-list": command_list}
