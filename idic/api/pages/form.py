"""What a form posts, read from its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.requests import Request

from idic.api.problem_details import Refusal
from idic.api.request_bodies import read_body
from idic.errors import InvalidInput

_FIELDS = 500


class Form:
    """Fields by name, without what no text has (NUL, half characters)."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def has(self, name: str) -> bool:
        return bool(self._fields.get(name))

    def first(self, name: str) -> str:
        """The field's first value, trimmed; empty where there is none."""
        return next(iter(self._fields.get(name, ())), "").replace("\0", "").strip()

    def all(self, name: str) -> list[str]:
        return list(self._fields.get(name, ()))

    def pairs(self, name: str) -> dict[str, str]:
        """Of a field whose values are ``key=value``."""
        return {key: value for key, _, value in (one.rpartition("=") for one in self.all(name))}


async def read_form(request: Request, limit: int) -> Form:
    """Of at most ``limit`` bytes. What is no form (a mail program may post anything) is one without fields. Raises
    ``Refusal``."""
    try:
        body = await read_body(request, limit)
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except InvalidInput:
        return Form({})
    except ValueError as error:
        raise Refusal(413, "too_large", "this form has too many fields") from error
    return Form(fields)
