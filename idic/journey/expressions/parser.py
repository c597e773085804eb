"""Parse a condition: text → tree, every node with its place in the text.

The grammar is CEL's, with ``and``, ``or`` and ``not`` beside ``&&``, ``||`` and ``!``. ``not`` binds weaker than a
comparison, as people read it: ``not a == b`` is ``not (a == b)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from idic.journey.expressions.tree import (
    And,
    Arithmetic,
    Compare,
    Conditional,
    Expression,
    FunctionCall,
    Index,
    ListOf,
    Literal,
    Member,
    Minus,
    Name,
    Not,
    Or,
)


class ExpressionError(Exception):
    """A text that is not a condition. ``start`` and ``length`` are the place in the text; ``hint`` says what to write."""

    def __init__(self, message: str, start: int, length: int = 1, hint: str | None = None) -> None:
        self.message, self.start, self.length, self.hint = message, start, length, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<sign>&&|\|\||==|!=|>=|<=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE,
)
_REPLACEMENTS = {
    "===": "==",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "=": "== to compare",
    "&": "and",
    "|": "or",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
}
_WRONG = re.compile("|".join(re.escape(sign) for sign in _REPLACEMENTS))
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_METHODS = {
    "contains": "contains", "startsWith": "startsWith", "endsWith": "endsWith", "matches": "matches",
    "startswith": "startsWith", "endswith": "endsWith", "starts": "startsWith", "ends": "endsWith", "like": "contains",
}  # fmt: skip
"""Functions of texts that authors write like operators (``name contains "x"``), each with its right name."""
_COMPARISONS = ("==", "!=", ">=", "<=", ">", "<", "in")
_DEEPEST = 40


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The tree of a condition, cached, as many journeys have the same conditions. Raises ``ExpressionError``."""
    return _Parser(_tokens(text), len(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        wrong = _WRONG.match(text, position)
        if wrong and (token is None or len(wrong[0]) > len(token[0])):
            hint = f"write {_REPLACEMENTS[wrong[0]]}"
            raise ExpressionError(f"conditions have no {wrong[0]}", position, len(wrong[0]), hint)
        if token is None:
            raise _stray(text, position)
        if token.lastgroup != "space":
            tokens.append(_Token(str(token.lastgroup), token[0], position))
        position = token.end()
    return tokens


def _stray(text: str, position: int) -> ExpressionError:
    character = text[position]
    if character in "“”„‘’":
        return ExpressionError("curly quotes are not quotes here", position, 1, 'write straight ones: "…"')
    if character in "\"'":
        return ExpressionError("a quote is opened and never closed", position, len(text) - position, "close it")
    if character in "{}$":
        return ExpressionError(
            f"{character} does not belong in a condition",
            position,
            1,
            "write the name alone, such as customer.first_name",
        )
    return ExpressionError(f"{character} does not belong in a condition", position, 1, "text stands in quotes")


class _Parser:
    """A recursive-descent parser."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self.tokens = tokens
        self.end = end
        self.position = 0
        self.depth = 0

    def whole(self) -> Expression:
        """The whole text as one tree."""
        if not self.tokens:
            raise ExpressionError("the condition is empty", 0, 1, "write one, such as customer.orders > 0")
        tree = self.conditional()
        if self.position < len(self.tokens):
            raise self.unexpected()
        return tree

    # From here on there is one method for each level of precedence, from the weakest to the strongest.

    def conditional(self) -> Expression:
        """``test ? yes : no``."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ExpressionError("the condition is nested too deeply", self.start(), 1, "split it up")
        test = self.disjunction()
        if self.take("?"):
            yes = self.conditional()
            self.expect(":")
            no = self.conditional()
            test = Conditional(test.start, no.end, test, yes, no)
        self.depth -= 1
        return test

    def disjunction(self) -> Expression:
        """``a or b``."""
        left = self.conjunction()
        while self.take("||", "or"):
            right = self.conjunction()
            left = Or(left.start, right.end, left, right)
        return left

    def conjunction(self) -> Expression:
        """``a and b``."""
        left = self.negated()
        while self.take("&&", "and"):
            right = self.negated()
            left = And(left.start, right.end, left, right)
        return left

    def negated(self) -> Expression:
        """``not a``."""
        start, nots = self.start(), 0
        while self.take("not"):
            nots += 1
        tree = self.comparison()
        for _ in range(nots % 2 or 2 * bool(nots)):
            tree = Not(start, tree.end, tree)
        return tree

    def comparison(self) -> Expression:
        """``a == b``; two in a row are an error."""
        left = self.sum()
        token = self.take(*_COMPARISONS)
        if token is None:
            return left
        right = self.sum()
        again = self.take(*_COMPARISONS)
        if again:
            hint = "compare two at a time: a > 1 and a < 5"
            raise ExpressionError("two comparisons in a row", again.start, len(again.text), hint)
        return Compare(left.start, right.end, left, token.text, right, token.start)

    def sum(self) -> Expression:
        """``a + b`` or ``a - b``."""
        left = self.product()
        while token := self.take("+", "-"):
            right = self.product()
            left = Arithmetic(left.start, right.end, left, token.text, right, token.start)
        return left

    def product(self) -> Expression:
        """``a * b`` or ``a / b``."""
        left = self.unary()
        while token := self.take("*", "/"):
            right = self.unary()
            left = Arithmetic(left.start, right.end, left, token.text, right, token.start)
        return left

    def unary(self) -> Expression:
        """``!a`` or ``-a``."""
        if token := self.take("!", "-"):
            self.depth += 1
            if self.depth > _DEEPEST:
                raise ExpressionError("the condition is nested too deeply", token.start, 1, "split it up")
            of = self.unary()
            self.depth -= 1
            return Not(token.start, of.end, of) if token.text == "!" else Minus(token.start, of.end, of)
        return self.member()

    def member(self) -> Expression:
        """``a.b``, ``a.b(c)`` or ``a[0]``."""
        tree = self.primary()
        while True:
            if self.take("."):
                name = self.name()
                if self.peek("("):
                    arguments, end = self.arguments()
                    tree = FunctionCall(tree.start, end, tree, name.text, arguments, name.start)
                else:
                    tree = Member(tree.start, name.end, tree, name.text, name.start)
            elif self.take("["):
                index = self.conditional()
                tree = Index(tree.start, self.expect("]").end, tree, index)
            else:
                return tree

    def primary(self) -> Expression:
        """A literal, a name, a function call, a list, or an expression in brackets."""
        token = self.next()
        match token.kind:
            case "number":
                return Literal(token.start, token.end, float(token.text))
            case "text":
                return Literal(token.start, token.end, _unescaped(token.text))
            case "name" if token.text in ("true", "false"):
                return Literal(token.start, token.end, token.text == "true")
            case "name" if self.peek("("):
                arguments, end = self.arguments()
                return FunctionCall(token.start, end, None, token.text, arguments, token.start)
            case "name" if token.text not in ("and", "or", "not", "in"):
                return Name(token.start, token.end, token.text)
        if token.text == "(":
            tree = self.conditional()
            self.expect(")")
            return tree
        if token.text == "[":
            items = self.items_until("]")
            return ListOf(token.start, self.tokens[self.position - 1].end, items)
        self.position -= 1
        raise self.unexpected()

    def arguments(self) -> tuple[tuple[Expression, ...], int]:
        """Arguments in brackets, and the index where they end."""
        self.expect("(")
        items = self.items_until(")")
        return items, self.tokens[self.position - 1].end

    def items_until(self, close: str) -> tuple[Expression, ...]:
        """Expressions separated by commas, up to the closing sign."""
        items: list[Expression] = []
        while not self.take(close):
            if items:
                self.expect(",")
            items.append(self.conditional())
        return tuple(items)

    def name(self) -> _Token:
        """The name after a dot."""
        token = self.next()
        if token.kind != "name":
            self.position -= 1
            raise ExpressionError("a name is missing after the dot", token.start, len(token.text))
        return token

    def start(self) -> int:
        """The index where the current token begins."""
        return self.tokens[self.position].start if self.position < len(self.tokens) else self.end

    def peek(self, text: str) -> bool:
        """Whether this is the current token."""
        return self.position < len(self.tokens) and self.tokens[self.position].text == text

    def next(self) -> _Token:
        """Takes the current token."""
        if self.position >= len(self.tokens):
            raise ExpressionError("the condition ends too early", max(0, self.end - 1), 1, "something is missing at its end")
        self.position += 1
        return self.tokens[self.position - 1]

    def take(self, *texts: str) -> _Token | None:
        """Takes the current token if it is one of these; None if not."""
        if self.position < len(self.tokens):
            token = self.tokens[self.position]
            if token.text in texts and token.kind != "text":
                self.position += 1
                return token
        return None

    def expect(self, text: str) -> _Token:
        """Takes the current token, which must be this one."""
        token = self.take(text)
        if token is None:
            if self.position >= len(self.tokens):
                raise ExpressionError(f"the condition ends before its {text}", max(0, self.end - 1), 1, f"write {text}")
            raise self.unexpected(f"write {text} before it")
        return token

    def unexpected(self, hint: str | None = None) -> ExpressionError:
        """The error for the current token, with the best hint for it."""
        token = self.tokens[self.position]
        before = self.tokens[self.position - 1] if self.position else None
        if token.text.lower() in ("and", "or", "not", "in") and token.text != token.text.lower():
            hint = f"write {token.text.lower()}, in small letters"
        elif token.text == "not":
            hint = "write not (… in …)"
        elif token.text == "%":
            hint = "conditions have no %"
        elif token.text in _METHODS and before is not None and before.kind == "name":
            hint = f"write {self.words_before()}.{_METHODS[token.text]}({self.text_after()})"
        elif token.kind == "text" and before is not None and before.text in _METHODS:
            hint = f"write {before.text}({token.text})"
        elif token.text == "is" or (before and before.text == "is"):
            hint = "write == to compare"
        elif hint is None and token.kind in ("name", "text", "number"):
            hint = "write and, or or a comparison before it"
        return ExpressionError(f"{token.text} does not belong here", token.start, len(token.text), hint)

    def words_before(self) -> str:
        """The dotted name that ends before the current token."""
        first = self.position - 1
        while first >= 2 and self.tokens[first - 1].text == ".":
            first -= 2
        return "".join(token.text for token in self.tokens[first : self.position])

    def text_after(self) -> str:
        """The text literal after the current token, or a placeholder."""
        after = self.tokens[self.position + 1 : self.position + 2]
        return after[0].text if after and after[0].kind == "text" else '"…"'


def _unescaped(token: str) -> str:
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), token[1:-1])
