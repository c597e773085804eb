"""Read a posted form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.requests import Request

from idic.api.problem_details import HttpRefusal
from idic.api.request_bodies import read_body
from idic.errors import InvalidInput

_FIELDS = 500


class PostedForm:
    """Form fields by name, without NUL and lone surrogates."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def has(self, name: str) -> bool:
        """Whether the field was sent."""
        return bool(self._fields.get(name))

    def first(self, name: str) -> str:
        """The field's first value, trimmed; empty if there is none."""
        return next(iter(self._fields.get(name, ())), "").replace("\0", "").strip()

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return list(self._fields.get(name, ()))

    def pairs(self, name: str) -> dict[str, str]:
        """The values of a field, read as ``key=value``."""
        return {key: value for key, _, value in (pair.rpartition("=") for pair in self.all(name))}


async def read_form(request: Request, limit: int) -> PostedForm:
    """Read a form of at most ``limit`` bytes. A body that isn't a form (mail programs may post anything) has no fields.
    Raises ``HttpRefusal``."""
    try:
        body = await read_body(request, limit)
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except InvalidInput:
        return PostedForm({})
    except ValueError as error:
        raise HttpRefusal(413, "too_large", "this form has too many fields") from error
    return PostedForm(fields)
