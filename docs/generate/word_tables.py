"""Tables of settings, events, links, functions, filters, rules, channels and providers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from docs.generate.markdown import code, table
from idic.cli.run.vocabulary import Word, listed
from idic.interact.policy.rules import RULES, PolicyRule
from idic.journey.channels import CHANNELS
from idic.journey.vocabulary.built_in import ACTS, KEYWORDS, LATER_EVENTS, OWN_LINKS
from idic.journey.vocabulary.types import SIMPLE
from idic.providers.registry import PROVIDERS, names_of
from idic.settings import described


def settings(prefix: str = "") -> str:
    """Every setting, or those whose names begin so: ``settings IDIC_SMTP``."""
    rows = ((code(name), code(default), meaning) for name, default, meaning in described() if name.startswith(prefix))
    return table(("setting", "default", "meaning"), rows)


@cache
def _words() -> tuple[Word, ...]:
    """Everything that a journey may use in a folder that declares nothing: what idic brings itself."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "vocabulary.yaml").write_text("currency: EUR\n")
        return tuple(listed(Path(folder)))


def _section(name: str) -> Iterator[Word]:
    return (word for word in _words() if word.section == name)


def own_events(*_: str) -> str:
    """idic's own events, and what each carries."""
    rows = []
    words = [word for word in _section("events") if word.own]
    for event in (word.name for word in words if word.of is None):
        if event in LATER_EVENTS:
            continue
        parts = [f"{code(word.name)} ({word.type})" for word in words if word.of == event]
        rows.append((code(event), ", ".join(parts)))
    return table(("event", "carries"), rows)


def own_links(*_: str) -> str:
    """The links that idic brings itself."""
    return table(("link", "what it is"), ((code(f"links.{name}"), says) for name, says in OWN_LINKS.items()))


def names(*_: str) -> str:
    """The names that conditions and templates can read."""
    return table(("name", "what it is"), ((code(w.name), w.says) for w in _section("names in conditions and templates")))


def functions(*_: str) -> str:
    """The functions of conditions."""
    return table(
        ("function", "what it says"), ((code(w.name), _with_example(w.says)) for w in _section("functions in conditions"))
    )


def filters(*_: str) -> str:
    """The filters of templates."""
    return table(
        ("filter", "takes", "example"),
        ((code(w.name), w.type, _with_example(w.says)) for w in _section("filters in templates")),
    )


def _with_example(says: str) -> str:
    """``{{ x | money }}: in the currency`` with its example as code."""
    left, colon, right = says.partition("}}: ") if says.startswith("{{") else says.rpartition(": ")
    return f"{code(left + colon.strip(': '))}: {right}" if colon else says


def tags(*_: str) -> str:
    """The tags of templates."""
    return ", ".join(code(f"{{% {tag.strip()} %}}") for word in _section("tags in templates") for tag in word.name.split(","))


def types(*_: str) -> str:
    """The types of the vocabulary."""
    return ", ".join(code(name) for name in SIMPLE)


def acts(*_: str) -> str:
    """By which acts consent is given or withdrawn."""
    return ", ".join(code(act) for act in ACTS)


def keywords(*_: str) -> str:
    """The keywords that idic finds in an SMS."""
    return ", ".join(code(keyword) for keyword in KEYWORDS.options)


def rules(*_: str) -> str:
    """The rules of the contact policy, in the order in which they are asked."""
    rows = (
        (str(number), f"[{rule.name}](rules/{_page_of(rule)}.md)", code(rule.key or ""), _messages(rule), rule.summary)
        for number, rule in enumerate(RULES, 1)
    )
    return table(("order", "rule", "key", "holds for", "what it does"), rows)


def rule(page: str) -> str:
    """What a rule's row says: ``rule quiet_hours``."""
    row = next(row for row in RULES if _page_of(row) == page)
    key = code(row.key) if row.key else "none; it always holds"
    return f"- **Key in `policy.yaml`:** {key}.\n- **Holds for:** {_messages(row)}."


def rule_pages() -> tuple[str, ...]:
    """The name of each rule's page."""
    return tuple(_page_of(row) for row in RULES)


def _page_of(row: PolicyRule) -> str:
    return row.name.replace(" ", "_")


def _messages(row: PolicyRule) -> str:
    return "marketing and service" if row.of_service else "marketing"


def channels(*_: str) -> str:
    """The channels: what a message says on each, what a customer needs, and which consent is asked for by default."""
    rows = (
        (code(name), ", ".join(map(code, channel.field_names)), channel.address_noun, code(channel.consent))
        for name, channel in CHANNELS.items()
    )
    return table(("channel", "keys under customize", "a customer needs", "consent, unless the policy says otherwise"), rows)


def providers(*_: str) -> str:
    """The accounts of each channel, in their usual order."""
    rows = ((code(channel), code(name), PROVIDERS[name].summary) for channel in CHANNELS for name in names_of(channel))
    return table(("channel", "account", "what it is"), rows)


TABLES: Mapping[str, Callable[..., str]] = {
    "settings": settings, "own-events": own_events, "own-links": own_links, "names": names, "functions": functions,
    "filters": filters, "tags": tags, "types": types, "acts": acts, "keywords": keywords, "rules": rules, "rule": rule,
    "channels": channels, "providers": providers,
}  # fmt: skip
