"""Read ``endpoints:`` of the vocabulary: the services that journeys may call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from idic.journey.program.values import Attribute, Endpoint
from idic.journey.vocabulary.types import TEXT
from idic.journey.yaml_source.nodes import Mapping as Entries
from idic.journey.yaml_source.nodes import Node, Scalar
from idic.journey.yaml_source.shapes import Shapes

if TYPE_CHECKING:
    from idic.journey.template_checker import ContentChecker
    from idic.problems import Problems

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

_ENTRIES = ("url", "method", "headers", "takes", "gives", "time_out", "tries")
_ENTRIES_OF_OTHER_TOOLS = {
    "timeout": "time_out: 5 seconds", "retries": "tries: 3", "params": "takes:", "input": "takes:", "body": "takes:",
    "output": "gives:", "returns": "gives:", "response": "gives:", "auth": 'headers: {Authorization: "Bearer {{ secrets.… }}"}',
}  # fmt: skip
_SECRET = re.compile(r"\bsecrets\.([A-Za-z_]\w*)")
_URL = re.compile(r"https?://[^\s/]\S*")
_VALUE_PROBLEM = re.compile(r'"([\w.]+)" (may be missing|does not exist)')
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
OWN_HEADERS = frozenset(
    {
        "host", "content-type", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect",
        "proxy-authorization", "proxy-connection", "accept-encoding", "idempotency-key",
    }
)  # fmt: skip
"""Headers about the transport itself, which no endpoint may set."""
HOST = re.compile(r"https?://[^/?#\s{}%@\\]+(?=[/?#]|$)", re.IGNORECASE)
"""The beginning of an address: a host that no value can change, and no password."""
_RESERVED_SECRETS = ("keys",)
"""Names that a secret cannot have: the variable is one of idic's own settings."""
_LONGEST_TIME_OUT = 60
_MOST_TRIES = 10

ReadAttribute = Callable[[Node, str], Attribute | None]


class EndpointDefinition(NamedTuple):
    """An endpoint, and the places of the Liquid in its address and headers."""

    endpoint: Endpoint
    texts: tuple[Scalar, ...]


class EndpointReader:
    """Reads endpoints. ``attribute`` reads one entry of ``takes`` or ``gives``."""

    def __init__(self, shapes: Shapes, problems: Problems, attribute: ReadAttribute) -> None:
        self.shapes = shapes
        self.problems = problems
        self.attribute = attribute

    def read(self, name: Scalar, node: Node) -> EndpointDefinition | None:
        """One endpoint, or None where it cannot be used."""
        what = f"endpoint {name.value}"
        fields = self.shapes.fields(node, what, _ENTRIES, required=("url",), instead=_ENTRIES_OF_OTHER_TOOLS)
        url = self.shapes.text(fields.get("url"), f"{what}: url") if fields else None
        if not self.shapes.name(name, "endpoint", field=True) or fields is None or url is None:
            return None
        if not _URL.fullmatch(re.sub(r"\{\{.*?\}\}", "x", url.value)):
            hint = "write it in full, with https://"
            self.problems.error(url.mark, f'{what}: "{url.value}" is not an address', hint)
            return None
        if not HOST.match(url.value):
            host = re.split(r"[/?#]", url.value.partition("://")[2], maxsplit=1)[0]
            message, hint = f'"{host}" cannot be a host', "write it out, with no value and no password in it"
            self.problems.error(url.mark, f"{what}: {message}", hint)
            return None
        method = self.shapes.choice(fields.get("method"), f"{what}: method", get_args(Method))
        headers = dict(self.headers(fields.get("headers"), what))
        seconds = self.seconds(fields.get("time_out"), what)
        takes, gives = (dict(self.attributes(fields.get(side), f"{what}: {side}", side)) for side in ("takes", "gives"))
        endpoint = Endpoint(
            name=name.value,
            method=method or "POST",
            url=url.value,
            headers={header: text.value for header, text in headers.items()},
            takes=takes,
            gives=gives,
            seconds=seconds,
            tries=self.tries(fields.get("tries"), what),
        )
        return EndpointDefinition(endpoint, (url, *headers.values()))

    def headers(self, node: Node | None, what: str) -> Iterator[tuple[str, Scalar]]:
        """The headers that can be used."""
        if node is None:
            return
        if not isinstance(node, Entries):
            hint = 'write headers: {Authorization: "Bearer {{ secrets.token }}"}'
            self.problems.error(node.mark, f"{what}: headers consists of entries", hint)
            return
        for name, value in node.entries:
            text = self.shapes.text(value, f"{what}: {name.value}")
            if not _HEADER.fullmatch(name.value):
                self.problems.error(name.mark, f'{what}: "{name.value}" cannot be a header', "use letters, digits and -")
            elif name.value.lower() in OWN_HEADERS:
                self.problems.error(name.mark, f"{what}: {name.value} is written by idic", "take it out")
            elif text is not None and "\n" in text.value.strip():
                self.problems.error(text.mark, f"{what}: {name.value} has several lines", "write one")
            elif text is not None:
                yield name.value, text

    def attributes(self, node: Node | None, what: str, side: str) -> Iterator[tuple[str, Attribute]]:
        """The entries of ``takes`` or ``gives``."""
        if node is None:
            return
        if not isinstance(node, Entries):
            self.problems.error(node.mark, f"{what} consists of names with their types", f"write {side}: {{sku: text}}")
            return
        for name, value in node.entries:
            if name.value == "secrets" and side == "takes":
                self.problems.error(name.mark, f"{what}: secrets has a meaning of its own", "choose another name")
            elif self.shapes.name(name, "name", field=True):
                attribute = self.attribute(value, f"{what}.{name.value}")
                if attribute is not None:
                    yield name.value, attribute

    def seconds(self, node: Node | None, what: str) -> float:
        """The time-out of one try, in seconds."""
        duration = self.shapes.duration(node, f"{what}: time_out")
        if duration is None:
            return Endpoint.model_fields["seconds"].default  # type: ignore[no-any-return]
        if duration.days or duration.seconds > _LONGEST_TIME_OUT:
            assert node is not None
            hint = f"write at most {_LONGEST_TIME_OUT} seconds; a call step says within: how long it is tried"
            self.problems.error(node.mark, f"{what}: time_out is too long for one try", hint)
        return min(duration.seconds or _LONGEST_TIME_OUT, _LONGEST_TIME_OUT)

    def tries(self, node: Node | None, what: str) -> int:
        """How many tries a call has."""
        text = self.shapes.text(node, f"{what}: tries")
        if text is None:
            return Endpoint.model_fields["tries"].default  # type: ignore[no-any-return]
        if text.value.isdecimal() and 1 <= int(text.value[:9]) <= _MOST_TRIES:
            return int(text.value)
        self.problems.error(text.mark, f"{what}: tries cannot be {text.value}", f"write a number from 1 to {_MOST_TRIES}")
        return 1


def check_endpoints(endpoints: Mapping[str, EndpointDefinition], checker: ContentChecker, problems: Problems) -> None:
    """Check that addresses and headers can be written from what each endpoint takes, and from secrets."""
    for name, (endpoint, texts) in endpoints.items():
        for text in texts:
            for secret in sorted({*_RESERVED_SECRETS} & {secret_name.lower() for secret_name in _SECRET.findall(text.value)}):
                variable = f"IDIC_SECRET_{secret.upper()}"
                problems.error(text.mark, f"endpoint {name}: {variable} is a setting of idic's own", "choose another name")
            secrets = {f"secrets.{secret}": Attribute(type=TEXT, required=True) for secret in _SECRET.findall(text.value)}
            result = checker(text.value, {**endpoint.takes, **secrets}, {}, "text")
            for problem in result.problems:
                if not problem.mild:
                    message, _, hint = problem.message.partition("; ")
                    value_problem = _VALUE_PROBLEM.match(message)
                    mark = text.at_line(problem.line, problem.column)._replace(
                        length=len(value_problem[1]) if value_problem else 1
                    )
                    if value_problem and value_problem[2] == "may be missing":
                        message, hint = value_problem[0], "make it required, or write a default for it"
                    problems.error(mark, f"endpoint {name}: {message}", hint or None)
