"""Check templates before anything runs, and render them for one customer.

    checked = check("Hi {{ customer.first_name | default: 'there' }}", names, blocks)
    text = render("Hi {{ customer.first_name | default: 'there' }}", {"customer.first_name": None}, {})

A template can only use declared names. A name that may be missing is printed with ``default`` or inside ``{% if %}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from liquid.exceptions import LiquidError, UndefinedError

from idic.customize.liquid.engine import BLOCKS, EFFORT, Dialect, parse
from idic.customize.liquid.filters import ANSWER_URL, LOCALE, AnswerUrl, ReaderLocale, Url, whole_number
from idic.customize.liquid.limits import Effort
from idic.customize.sms_segments import avoidable_unicode
from idic.customize.template_check.facts import LiquidProblem
from idic.customize.template_check.walk import TemplateWalker
from idic.customize.web_html import unsafe_parts
from idic.errors import CannotCompose
from idic.journey.channels.channel import TemplateForm
from idic.journey.program.values import Attribute
from idic.problems import one_of

__all__ = ["AnswerUrl", "CheckedTemplate", "Dialect", "LiquidProblem", "ReaderLocale", "Url", "check", "names_in", "render"]


DEFAULT_LOCALE = ReaderLocale()


class CheckedTemplate(NamedTuple):
    """The result of a check. ``reads`` are all declared names that the template uses on any path, also in its blocks."""

    reads: dict[str, Attribute]
    problems: tuple[LiquidProblem, ...]


def check(
    source: str, names: Mapping[str, Attribute], blocks: Mapping[str, str], form: TemplateForm = "text"
) -> CheckedTemplate:
    """Check a template against everything it may use.

    ``names`` are dotted: ``customer.first_name``, ``cart.items``, ``key``. One that is ``required`` or has a
    ``default`` is always there; any other needs ``| default:`` or ``{% if %}`` where it is printed. ``blocks`` are the
    sources that ``{% render 'name' %}`` takes. A ``short_text`` gets a warning if it costs more than it should, and a
    ``slot`` must not run anything. Problems are sorted by place.
    """
    checker = TemplateWalker(names, blocks)
    checker.check(source)
    problems = [*checker.problems]
    if form == "slot":
        problems += [LiquidProblem(*problem) for problem in unsafe_parts(source)]
    if form == "short_text" and (problem := _costly(source)):
        problems.append(problem)
    problems.sort(key=lambda problem: (problem.block or "", problem.line, problem.column))
    return CheckedTemplate(checker.reads, tuple(problems))


def render(
    source: str,
    values: Mapping[str, object],
    blocks: Mapping[str, str],
    *,
    dialect: Dialect = "text",
    locale: ReaderLocale = DEFAULT_LOCALE,
    answer_url: AnswerUrl | None = None,
) -> str:
    """Render a template that has been checked.

    ``values`` has every dotted name that the template reads; None is a missing value. ``answer_url`` makes the addresses for
    the filter ``answer``; without it the filter fails.

    A name that is not in ``values`` can be tested and filled by ``default``, but not printed. Raises ``CannotCompose`` with
    the code ``value_missing`` for that, and with ``template_failed`` for any other error, such as a limit exceeded.
    """
    try:
        internals = {BLOCKS: blocks, LOCALE: locale, ANSWER_URL: answer_url, EFFORT: Effort()}
        return parse(source, dialect).render({**_nested(values), **internals})
    except UndefinedError as error:
        raise CannotCompose(str(error.message), code="value_missing") from error
    except LiquidError as error:
        raise CannotCompose(str(error.message), code="template_failed") from error
    except Exception as error:  # a filter can fail in many ways, such as division by zero
        raise CannotCompose(f"{type(error).__name__}: {error}", code="template_failed") from error


def names_in(source: str) -> frozenset[str]:
    """The dotted names that a template uses, whether or not they exist. Empty if the source is not Liquid."""
    try:
        variables_by_name = parse(source, "text").analyze(include_partials=False).globals
    except LiquidError:
        return frozenset()
    return frozenset(str(variable) for variables in variables_by_name.values() for variable in variables)


def _costly(source: str) -> LiquidProblem | None:
    """A warning if avoidable characters make an SMS more expensive."""
    avoidable = avoidable_unicode(source)
    if not avoidable:
        return None
    first = min(source.index(character) for character in avoidable)
    before = source[:first]
    characters = one_of((f'"{character}"' for character in avoidable), "and")
    write = [f'"{twin}" for "{character}"' for character, twin in avoidable.items() if twin]
    leave = [f'"{character}"' for character, twin in avoidable.items() if not twin]
    instead = (["write " + one_of(write, "and")] if write else []) + (["leave out " + one_of(leave, "and")] if leave else [])
    makes = "makes" if len(avoidable) == 1 else "make"
    message = f"{characters} {makes} this SMS Unicode, with 70 characters in a part instead of 160; {', '.join(instead)}"
    return LiquidProblem(before.count("\n") + 1, first - before.rfind("\n"), message, mild=True)


class _Thing(dict[str, object]):
    """A line item: a field that was not sent is None, not an error."""

    def __missing__(self, key: str) -> None:
        return None


def _nested(values: Mapping[str, object]) -> dict[str, object]:
    """Values by dotted name as nested mappings."""
    nested: dict[str, object] = {}
    for name, value in values.items():
        *groups, leaf = name.split(".")
        place = nested
        for group in groups:
            inner = place.setdefault(group, {})
            if not isinstance(inner, dict):
                raise CannotCompose(f'"{group}" of "{name}" is a value and a group', code="template_failed")
            place = inner
        place[leaf] = _liquid_value(value)
    return nested


def _liquid_value(value: object) -> object:
    """A value as templates see it: blank text is missing, and whole numbers print without a decimal point."""
    match value:
        case str():
            return value if value.strip() else None
        case Mapping():
            return _Thing({str(key): _liquid_value(field) for key, field in value.items()})
        case list() | tuple():
            return [_liquid_value(item) for item in value]
        case _:
            return whole_number(value)
