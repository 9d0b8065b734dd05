"""Commands of the cloud on paper: their bounds, their canonical bytes and their signature."""

import base64
import contextlib
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.sync import commands, protocol
from gateway.sync.answers import ANSWERS_MAX, Answers
from gateway.sync.commands import COMMAND_MAX, Command, Refused, Sealed, canonical, is_signed, parse

GOLDEN = Path(__file__).parent / "golden"

# RFC 8032, section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
            "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]
SECRET, PUBLIC = (bytes.fromhex(part) for part in RFC_8032[0][:2])


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes().rstrip(b"\n")


def tree() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(golden("cmd_set.json"))
    return found


def signed(body: dict[str, Any], secret: bytes = SECRET) -> dict[str, Any]:
    key = Ed25519PrivateKey.from_private_bytes(secret)
    return body | {"sig": base64.b64encode(key.sign(canonical(body))).decode()}


def encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def sealed(message: bytes, signature: bytes) -> Sealed:
    """Any message with any signature, as if it were a command."""
    body = tree() | {"sig": base64.b64encode(signature).decode()}
    return Sealed(parse(encoded(body)).command, message)


@pytest.mark.parametrize(("_secret", "public", "message", "signature"), RFC_8032)
def test_the_published_signatures_are_good_and_any_other_bit_is_not(
    _secret: str, public: str, message: str, signature: str
) -> None:
    said, key, proof = (bytes.fromhex(text) for text in (message, public, signature))
    assert is_signed(sealed(said, proof), key)
    assert not is_signed(sealed(said + b"x", proof), key)
    assert not is_signed(sealed(said, proof[:-1] + bytes([proof[-1] ^ 1])), key)
    assert not is_signed(sealed(said, proof[:-1]), key)
    assert not is_signed(sealed(said, proof), bytes(32))


@pytest.mark.parametrize("name", ["cmd_set.json", "cmd_release.json"])
def test_a_golden_command_is_read_and_its_signature_is_good(name: str) -> None:
    assert is_signed(parse(golden(name)), PUBLIC)
    assert is_signed(parse(zlib.compress(golden(name))), PUBLIC), "compressed it is the same"


def test_the_golden_command_says_what_it_says() -> None:
    found = parse(golden("cmd_set.json"))
    command = found.command
    assert isinstance(command, Command)
    assert (command.dev, command.args.value, command.args.for_s) == ("hood_fan", True, 1_800)
    assert (command.to, command.role, command.args.slot) == ("demo/mapo_1", "manager", 8)
    assert command.expires - command.ts == 30_000
    assert found.canonical == golden("cmd_set.canonical")
    release = parse(golden("cmd_release.json")).command
    assert (release.op, release.args.value) == ("actuator.release", None)
    assert release.expires - release.ts == 30_000, "where none is given"


def test_the_order_of_keys_and_spaces_do_not_matter_and_every_value_does() -> None:
    body = tree()
    turned = dict(reversed(body.items()))
    assert is_signed(parse(json.dumps(turned, indent=2).encode()), PUBLIC)
    for key, other in (("dev", "gas_valve"), ("exp", body["exp"] + 1), ("role", "admin")):
        assert not is_signed(parse(encoded(body | {key: other})), PUBLIC), key
    assert not is_signed(parse(encoded(body | {"args": {"value": False, "for": 1800}})), PUBLIC)
    assert not is_signed(parse(encoded(signed(tree(), secret=bytes(32)))), PUBLIC)
    for wrong in ("", "no base64!", "AAAA"):
        assert not is_signed(parse(encoded(body | {"sig": wrong})), PUBLIC)


DEEP: dict[str, Any] = {"value": True, "a": {"b": {"c": {"d": 1}}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"v": 2}, "2"),
        ({"op": "shell.run"}, "shell.run"),
        ({"dev": ""}, "length"),
        ({"dev": 7}, "str"),
        ({"role": "root"}, "root"),
        ({"ts": -1}, "ts"),
        ({"ts": 1.5}, "whole"),
        ({"ts": 2**60}, "2\\^53"),
        ({"exp": 1795247000000 + 3_600_001}, "hour"),
        ({"args": {}}, "value"),
        ({"args": {"value": "on"}}, "bool"),
        ({"args": {"value": True, "for": 0}}, "1"),
        ({"args": {"value": True, "speed": 3}}, "speed"),
        ({"args": DEEP}, "deep"),
        ({"op": "actuator.release"}, "value"),
        ({"hood_fän": 1}, "ASCII"),
        ({"sudo": True}, "sudo"),
        ({"if": {"moon": "full"}}, "moon"),
        ({"by": "x" * 101}, "length"),
    ],
)
def test_a_command_that_is_none_is_refused_under_its_id(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words) as refusal:
        parse(encoded(tree() | change))
    assert refusal.value.code == "malformed"
    assert refusal.value.id == tree()["id"]


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"[" * 4_000,
        b'{"id":' + b"[" * 4_000,
        encoded({"id": "short"}),
        encoded({"id": "with space in it"}),
        encoded({"id": 7}),
        b"x\x9c not zlib",
        zlib.compress(b"{" + b" " * 1_000_000),
        b"{" + b" " * COMMAND_MAX + b"}",
    ],
)
def test_what_is_no_command_at_all_is_refused_without_an_id(payload: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        parse(payload)
    assert refusal.value.id == ""


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(Refused):
        parse(payload)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text("a7é/ ", max_size=20), st.floats()
)


@given(st.dictionaries(st.sampled_from([*tree(), "x"]), SCALARS, max_size=4))
def test_a_command_with_anything_in_it_is_read_or_refused(change: dict[str, Any]) -> None:
    with contextlib.suppress(Refused):
        parse(json.dumps(tree() | change).encode())


@pytest.mark.parametrize(
    "text",
    [
        PUBLIC.hex(),
        base64.b64encode(PUBLIC).decode(),
        "-----BEGIN PUBLIC KEY-----\n"
        + base64.b64encode(bytes.fromhex("302a300506032b6570032100") + PUBLIC).decode()
        + "\n-----END PUBLIC KEY-----\n",
    ],
    ids=["hex", "base64", "PEM"],
)
def test_a_public_key_may_be_written_in_three_ways(text: str) -> None:
    assert commands.public_key(text) == PUBLIC


@pytest.mark.parametrize("text", ["", "key", PUBLIC.hex()[:-2], base64.b64encode(b"x").decode()])
def test_what_is_no_public_key_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="Ed25519 public key"):
        commands.public_key(text)


@pytest.mark.parametrize("name", ["res_accepted.json", "res_succeeded.json", "res_rejected.json"])
def test_an_answer_is_encoded_as_the_golden_file(name: str) -> None:
    body = json.loads(golden(name))
    payload = commands.answer(
        body["in"], body["id"], body["state"],
        at=body["ts"], code=body["code"], detail=body["detail"], dup=body["dup"],
    )  # fmt: skip
    assert protocol.unpack(payload) == golden(name)


def test_answers_are_sent_over_each_link_until_the_broker_has_them() -> None:
    answers = Answers()
    answers.put(b"one")
    answers.put(b"two")
    (first, _), (second, _) = answers.unsent()
    answers.sent(first, 11)
    answers.sent(second, 12)
    assert list(answers.unsent()) == []
    assert answers.ended(11)
    assert not answers.ended(11), "that was another message"
    answers.unlink()
    assert [payload for _, payload in answers.unsent()] == [b"two"]


def test_too_many_answers_make_room_and_are_counted() -> None:
    answers = Answers()
    for number in range(ANSWERS_MAX + 3):
        answers.put(b"%d" % number)
    assert answers.dropped == 3
    assert next(answers.unsent())[1] == b"3"
