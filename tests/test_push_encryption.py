"""Push messages as printed in RFC 8291 and RFC 8188, and the word of RFC 8292."""

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.notify import vapid
from gateway.notify.push_encryption import (
    TEXT_MAX,
    encrypted,
    from_text,
    is_point,
    point,
    sealed,
    to_text,
)
from gateway.notify.vapid import KeyDamaged, Vapid, own_key

# RFC 8291, appendix A
TEXT = b"When I grow up, I want to be a watermelon"
THEIR_PUBLIC = from_text(
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
THEIR_PRIVATE = from_text("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
OUR_PRIVATE = from_text("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
SECRET = from_text("BTBZMqHH6r4Tts7J_aSIgg")
SALT = from_text("DGv6ra1nlYgDCS1FRnbzlw")
BODY = (  # section 5
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
# RFC 8292, 2.4
WORD = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9."
    "eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNo"
    "QGV4YW1wbGUuY29tIn0."
    "i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
WORD_KEY = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
WALL_MS = 1_800_000_000_000


def opened(body: bytes, private: bytes, public: bytes, secret: bytes) -> bytes:
    """What the browser reads, by the key derivation of `cryptography` and not by ours."""
    salt, size, own = body[:16], body[20], body[21 : 21 + body[20]]
    assert size == 65
    key = derive_private_key(int.from_bytes(private, "big"), SECP256R1())
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), own))
    info = b"WebPush: info\0" + public + own
    material = HKDF(SHA256(), 32, secret, info).derive(shared)
    content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(material)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(material)
    padded = AESGCM(content_key).decrypt(nonce, body[21 + size :], None)
    assert padded[-1:] == b"\x02"
    return padded[:-1]


def test_a_message_is_the_one_printed_in_rfc_8291() -> None:
    ours = derive_private_key(int.from_bytes(OUR_PRIVATE, "big"), SECP256R1())
    body = encrypted(TEXT, THEIR_PUBLIC, SECRET, private=ours, salt=SALT)
    assert to_text(body) == BODY
    assert opened(body, THEIR_PRIVATE, THEIR_PUBLIC, SECRET) == TEXT


def test_a_record_is_the_one_printed_in_rfc_8188() -> None:
    printed = from_text("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg")
    assert printed[16:21] == b"\0\0\x10\0\0"
    key = from_text("yqdlZ-tYemfogSmv7Ws5PQ")
    assert sealed(b"I am the walrus", key, printed[:16]) == printed[21:]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=TEXT_MAX))
def test_whatever_is_pushed_the_browser_reads(text: bytes) -> None:
    body = encrypted(text, THEIR_PUBLIC, SECRET)
    assert len(body) <= 4_096
    assert opened(body, THEIR_PRIVATE, THEIR_PUBLIC, SECRET) == text


def test_no_two_messages_share_a_key() -> None:
    first, second = (encrypted(TEXT, THEIR_PUBLIC, SECRET) for _ in range(2))
    assert first[:86] != second[:86]
    assert first[86:] != second[86:]


def test_a_text_too_long_and_keys_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 3993 fit"):
        encrypted(b"x" * (TEXT_MAX + 1), THEIR_PUBLIC, SECRET)
    for wrong in (b"", THEIR_PUBLIC[:-1], b"\x04" + b"\1" * 64, b"\x02" + THEIR_PUBLIC[1:33]):
        assert not is_point(wrong)
    assert is_point(THEIR_PUBLIC)
    for wrong_text in ("a", "a+b/", "ü", "a b=", "ab=="):
        with pytest.raises(ValueError, match="no base64"):
            from_text(wrong_text)


def verify(word: str, key: str) -> None:
    """Raises InvalidSignature."""
    said, _, signature = word.rpartition(".")
    octets = from_text(signature)
    assert len(octets) == 64
    numbers = [int.from_bytes(half, "big") for half in (octets[:32], octets[32:])]
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), from_text(key))
    public.verify(encode_dss_signature(*numbers), said.encode(), ECDSA(SHA256()))


def test_our_word_is_checked_as_the_one_printed_in_rfc_8292() -> None:
    verify(WORD, WORD_KEY)
    key = generate_private_key(SECP256R1())
    endpoint = "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV"
    said = Vapid(key, "mailto:push@example.com").authorization(endpoint, WALL_MS)
    word, public = said.removeprefix("vapid t=").split(", k=")
    assert public == to_text(point(key.public_key()))
    verify(word, public)
    head, claims, _ = word.split(".")
    assert head == WORD.partition(".")[0]
    printed = json.loads(from_text(WORD.split(".")[1]))
    found = json.loads(from_text(claims))
    assert found == printed | {"exp": WALL_MS // 1000 + vapid.LIFE_S}
    with pytest.raises(InvalidSignature):
        verify(word, WORD_KEY)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = Vapid(own_key(tmp_path), "").public
    assert Vapid(own_key(tmp_path), "").public == first
    (file,) = tmp_path.iterdir()
    assert file.name == vapid.NAME
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_half_written_at_a_power_cut_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".push.key.new").write_bytes(b"-----BEGIN")
    own_key(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [vapid.NAME]


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\n", "no key"])
def test_a_damaged_key_is_never_replaced_silently(tmp_path: Path, text: str) -> None:
    (tmp_path / vapid.NAME).write_text(text)
    with pytest.raises(KeyDamaged, match="take it from a backup"):
        own_key(tmp_path)
    assert (tmp_path / vapid.NAME).read_text() == text
