"""The text of an expression as a tree in which nothing dangerous can stand.

Every character is judged before Python's parser sees any. Points and quoted texts are handed to it
as plain names of the same length, so that it meets ASCII alone and its columns are those of the
text; parentheses and size are bounded by then.
"""

import ast
import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

TEXT_MAX = 512
NODES_MAX = 64  # values and operators
DEPTH_MAX = 8  # parentheses, functions, `not` and signs inside each other
SHOWN_MAX = 60

FUNCTIONS = ("abs", "age", "avg", "bad", "hour", "max", "min", "rate", "weekday")
_LITERALS = {"true": "True", "false": "False"}
_JOINS = ("and", "or")
_KNOWN_WORDS = (*FUNCTIONS, *_LITERALS, *_JOINS, "not")

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<quoted>"[^"\r\n]*"|'[^'\r\n]*')
      | (?P<run>[A-Za-z0-9_.]+(?:/[A-Za-z0-9_.]+)*)
      | (?P<refused>\*\*|//|:=|&&|\|\||<<|>>|<>|=>|=<)
      | (?P<operator><=|>=|==|!=|[-+*/<>(),])
      | (?P<other>.)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_NUMBER = re.compile(r"(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_POINT = re.compile(r"[a-z0-9_]{1,36}/[a-z0-9_]{1,36}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUES = ("number", "point", "quoted", "literal")
_HINTS = {
    "**": "there are no powers",
    "//": "a division is written with one stroke: a / b",
    ":=": "nothing can be assigned",
    "=": 'equal is written "=="',
    "=>": 'at least is written ">="',
    "=<": 'at most is written "<="',
    "<>": 'unequal is written "!="',
    "!": '"not" is written out',
    "&": '"and" is written out',
    "&&": '"and" is written out',
    "|": '"or" is written out',
    "||": '"or" is written out',
    "%": 'a quantity stands in quotes: "60 %"',
    "°": 'a quantity stands in quotes: "8 °C"',
    "℃": 'a quantity stands in quotes: "8 °C"',
    "\u2212": 'minus is written "-"',
    "\u2013": 'minus is written "-"',
    "×": 'times is written "*"',
    "÷": 'a division is written "/", with a space on both sides',
    "≥": 'at least is written ">="',
    "≤": 'at most is written "<="',
    '"': "the quotes do not end",
    "'": "the quotes do not end",
}


class ExpressionError(ValueError):
    """The text is no such expression: who wrote it must change it, at `column` (from 1)."""

    def __init__(self, message: str, column: int) -> None:
        self.message = _printable(message)
        super().__init__(f"column {column}: {self.message}")
        self.column = column


class Tree(NamedTuple):
    """Python's tree, and what its names stand for; `col_offset` of a node is our column."""

    root: ast.expr
    points: Mapping[int, str]  # by column
    quoted: Mapping[int, str]


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parsed(text: str, known: Collection[str]) -> Tree:
    """The tree of a text; raises ExpressionError. `known` points are for suggestions only."""
    if len(text) > TEXT_MAX:
        raise ExpressionError(
            f"got {len(text)} characters, expected at most {TEXT_MAX}", TEXT_MAX + 1
        )
    tokens = [_classified(token, text, known) for token in _tokens(text)]
    _check_size(tokens)
    _check_order(tokens, text)
    # The bracket in front keeps lines and leading spaces out of the grammar, and columns from 1.
    plain = ["("] + [" "] * len(text) + [")"]
    for token in tokens:
        plain[token.column : token.column + len(token.text)] = _plain(token)
    try:
        root = ast.parse("".join(plain), mode="eval").body
    except SyntaxError as error:
        column = min(max((error.offset or 1) - 1, 1), len(text))
        raise ExpressionError('"not" needs parentheses here', column) from None
    points = {token.column: token.text for token in tokens if token.kind == "point"}
    quoted = {token.column: token.text[1:-1] for token in tokens if token.kind == "quoted"}
    return Tree(root, points, quoted)


def nearest(word: str, known: Collection[str]) -> str:
    """What the writer of an unknown word may have meant, as the end of a message, or nothing."""
    near = difflib.get_close_matches(word[:SHOWN_MAX], sorted(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def shown(text: str) -> str:
    """A foreign text made fit for a message: short, on one line, nothing unprintable."""
    return _printable(text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…")


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else f"U+{ord(sign):04X}" for sign in text)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind, word, column = str(match.lastgroup), match[0], match.start() + 1
        if kind in {"other", "refused"}:
            hint = _HINTS.get(word, "it has no place in an expression")
            raise ExpressionError(f'got "{shown(word)}": {hint}', column)
        if word == "/" and not _spaced(text, match.start()):
            raise ExpressionError("a division needs a space on both sides: a / b", column)
        if kind != "space":
            yield _Token(kind, word, column)


def _spaced(text: str, at: int) -> bool:
    return text[at - 1 : at].isspace() and text[at + 1 : at + 2].isspace()


def _classified(token: _Token, text: str, known: Collection[str]) -> _Token:
    """The token with its kind: number, point, literal, join, not, function, quoted, operator."""
    kind, word, column = token
    if kind != "run":
        return token
    if _NUMBER.fullmatch(word):
        if not math.isfinite(float(word)):
            raise ExpressionError("the number is too large", column)
        return _Token("number", word, column)
    if _POINT.fullmatch(word):
        return _Token("point", word, column)
    if word in _LITERALS:
        return _Token("literal", word, column)
    if word in _JOINS:
        return _Token("join", word, column)
    if word == "not" or word in FUNCTIONS:
        return _Token("not" if word == "not" else "function", word, column)
    is_call = text[column - 1 + len(word) :].lstrip().startswith("(")
    message = _unknown_function(word) if is_call else _what_is_wrong(word, known)
    raise ExpressionError(message, column)


def _unknown_function(word: str) -> str:
    near = nearest(word.lower(), FUNCTIONS)
    return f'got the unknown function "{shown(word)}", expected one of {", ".join(FUNCTIONS)}{near}'


def _what_is_wrong(word: str, known: Collection[str]) -> str:
    if "/" in word:
        return (
            f'got "{shown(word)}", expected a point such as walk_in/temperature (a-z, 0-9, _), or'
            " a division with a space on both sides: a / b"
        )
    if word[0].isdigit() and not _NAME.search(word.lstrip("0123456789.")):
        return f'got "{shown(word)}", expected a number such as 0.5'
    if word[0].isdigit():
        return f'got "{shown(word)}"; a quantity stands in quotes: "8 °C"'
    if "." in word:
        return f'got "{shown(word)}": it has no place in an expression'
    near = nearest(word.lower(), _KNOWN_WORDS) or nearest(word, known)
    return f'got "{shown(word)}", expected a point such as walk_in/temperature{near}'


def _check_size(tokens: list[_Token]) -> None:
    nodes = depth = prefixes = 0
    for token in tokens:
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        if token.text not in {"(", ")", ","}:
            nodes += 1
        prefixes = prefixes + 1 if token.text in {"not", "-"} else 0
        if nodes > NODES_MAX:
            raise ExpressionError(
                f"too long: at most {NODES_MAX} values and operators", token.column
            )
        if depth + max(prefixes - 1, 0) > DEPTH_MAX:
            raise ExpressionError(f"nested more than {DEPTH_MAX} deep", token.column)


def _check_order(tokens: list[_Token], text: str) -> None:
    """Values and operators take turns, brackets match, commas stand in calls only."""
    calls: list[bool] = []  # of each open bracket, whether a function's
    wants_value = True
    before = _Token("start", "", 1)
    for token in tokens:
        if before.kind == "function" and token.text != "(":
            raise ExpressionError(f"{before.text} needs brackets: {before.text}(…)", before.column)
        if wants_value:
            wants_value = _value_begins(token, before, calls)
        else:
            wants_value = _value_ended(token, before, calls)
        before = token
    if wants_value or before.kind == "function":
        raise ExpressionError(f"expected a value{_after(before)}", len(text) or 1)
    if calls:
        raise ExpressionError('expected ")" at the end', len(text))


def _value_begins(token: _Token, before: _Token, calls: list[bool]) -> bool:
    """Whether a value is still wanted after this token, where one was wanted."""
    if token.text == "(":
        calls.append(before.kind == "function")
        return True
    if token.text == ")" and before.text == "(" and calls and calls[-1]:
        calls.pop()
        return False
    if token.kind in _VALUES:
        return False
    if token.kind in {"not", "function"} or token.text == "-":
        return True
    raise ExpressionError(f'got "{token.text}", expected a value{_after(before)}', token.column)


def _value_ended(token: _Token, before: _Token, calls: list[bool]) -> bool:
    """Whether a value is wanted after this token, where one was complete."""
    if token.text == ")":
        if not calls:
            raise ExpressionError('got ")" without its "("', token.column)
        calls.pop()
        return False
    if token.text == ",":
        if not calls or not calls[-1]:
            raise ExpressionError('got "," outside of a function', token.column)
        return True
    if token.kind == "join" or (token.kind == "operator" and token.text != "("):
        return True
    raise ExpressionError(
        f'got "{shown(token.text)}", expected an operator after "{shown(before.text)}"',
        token.column,
    )


def _after(before: _Token) -> str:
    return f' after "{shown(before.text)}"' if before.text else ""


def _plain(token: _Token) -> str:
    if token.kind in {"point", "quoted"}:
        return token.kind[0] + "_" * (len(token.text) - 1)
    return _LITERALS.get(token.text, token.text) if token.kind == "literal" else token.text
