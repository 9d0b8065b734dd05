"""What an ONNX file would make the runtime do, read from its bytes before the runtime sees them.

Only the few fields of onnx.proto3 (ONNX IR, https://onnx.ai/onnx/repo-docs/IR.html) that matter
here are followed, over the protobuf wire format; the onnx package stays off the device.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_VARINT_BYTES = 10
_DEFAULT_DOMAINS = frozenset({"", "ai.onnx"})

# Message -> field number -> message inside it, as far as it is followed.
_INSIDE = {
    "model": {7: "graph", 8: "opset", 20: "function", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "subgraph", 10: "tensor", 11: "subgraph", 22: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
_DOMAIN_FIELD = {"opset": 1, "node": 7}
_OPSET_VERSION = 2
_DATA_LOCATION = 14


class Unreadable(ValueError):
    """The bytes are not an ONNX model: cut short or damaged."""


@dataclass(slots=True)
class Contents:
    """What was found; `opset` is that of the default domain, 0 if it names none."""

    opset: int = 0
    domains: set[str] = field(default_factory=set)
    external_data: bool = False
    subgraphs: bool = False

    def objections(self) -> list[str]:
        """Why this file must not be loaded; empty when nothing speaks against it."""
        found = []
        if self.external_data:
            found.append("it wants to read data from another file")
        if self.subgraphs:
            found.append("it holds functions, subgraphs or training code")
        if unknown := sorted(self.domains - _DEFAULT_DOMAINS):
            found.append(f"it uses operators of unknown domains: {', '.join(unknown)}")
        return found


def inspect(data: bytes) -> Contents:
    """Read a whole model; Unreadable when the bytes are damaged."""
    contents = Contents()
    waiting = [("model", data)]
    graphs = 0
    while waiting:
        message, body = waiting.pop()
        for number, value in _fields(body):
            inside = _INSIDE.get(message, {}).get(number)
            if inside is not None and isinstance(value, bytes):
                waiting.append((inside, value))
                graphs += inside == "graph"
                contents.external_data |= inside == "external"
                contents.subgraphs |= inside in {"function", "subgraph"}
            _note(contents, message, number, value)
    if graphs != 1:
        raise Unreadable("no single graph in it")
    return contents


def _note(contents: Contents, message: str, number: int, value: int | bytes) -> None:
    if message == "tensor" and number == _DATA_LOCATION and value:
        contents.external_data = True
    elif message == "opset" and number == _OPSET_VERSION and isinstance(value, int):
        contents.opset = max(contents.opset, value)
    elif _DOMAIN_FIELD.get(message) == number and isinstance(value, bytes):
        contents.domains.add(value.decode("utf-8", "replace"))


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(body):
        tag, position = _varint(body, position)
        kind, number = tag & 7, tag >> 3
        if kind == _VARINT:
            value, position = _varint(body, position)
            yield number, value
            continue
        if kind == _LENGTH:
            length, position = _varint(body, position)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise Unreadable(f"unknown wire type {kind}")
        if position + length > len(body):
            raise Unreadable("cut short")
        yield number, body[position : position + length]
        position += length


def _varint(body: bytes, position: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES):
        if position + place >= len(body):
            raise Unreadable("cut short")
        byte = body[position + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the high bit says that more follow
            return value, position + place + 1
    raise Unreadable("a number without end")
