"""Keys and proofs are compared in constant time: this test reads every comparison, so that a new one is noticed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import idic
from idic.api.keys import ApiKeys
from idic.interact.tracking.visitors import Proofs

SECRET = ("key", "secret", "token", "signature", "signed", "proof", "password", "digest", "mac")
"""How what must not be guessed is called; a comparison of one with == or != tells by its time how nearly it was right."""

HARMLESS = {
    # Our own words written twice, after the signature was verified.
    "signature == written",
    # A caller's own request, who has shown a secret key: whether it is the same one again.
    "idempotency.c.key == key",
    "row['request'] != digest",
}


def body(function: Callable[..., Any]) -> ast.FunctionDef:
    [found] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(found, ast.FunctionDef)
    return found


@pytest.mark.parametrize("function", [ApiKeys.__contains__, Proofs.hold])
def test_a_key_is_compared_with_all_keys_without_an_early_exit(function: Callable[..., Any]) -> None:
    read = body(function)
    loops = [node for node in ast.walk(read) if isinstance(node, ast.For)]
    assert len(loops) == 1
    inside = list(ast.walk(loops[0]))
    assert not any(isinstance(node, (ast.Return, ast.Break, ast.Continue, ast.If, ast.BoolOp)) for node in inside)
    calls = [ast.unparse(node.func) for node in inside if isinstance(node, ast.Call)]
    assert "hmac.compare_digest" in calls
    assert not any(isinstance(node, ast.Compare) for node in inside)


@pytest.mark.parametrize(
    "given", ["right-key", "right-kez", "", "r", "right-key ", "rIght-key", None, 17, b"right-key", "\udcff"]
)
def test_only_the_exact_key_is_accepted(given: object) -> None:
    assert (given in ApiKeys(["other", "right-key"])) == (given == "right-key")
    assert given not in ApiKeys([])


def _comparisons(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(one, (ast.Eq, ast.NotEq)) for one in node.ops):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) for side in sides):
                continue  # such as: is it empty, is it None
            names = [side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "") for side in sides]
            if any(name.lower().strip("_").endswith(SECRET) for name in names):
                yield ast.unparse(node)


def test_no_secret_is_compared_with_an_operator() -> None:
    found = set()
    for part in ("api", "interact"):
        for file in (Path(idic.__file__).parent / part).rglob("*.py"):
            found |= set(_comparisons(ast.parse(file.read_text())))
    assert found <= HARMLESS, found - HARMLESS


def test_an_unsafe_comparison_is_noticed() -> None:
    assert list(_comparisons(ast.parse("if said == self._token: pass"))) == ["said == self._token"]
