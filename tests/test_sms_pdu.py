"""Messages as protocol data units: published ones, and whatever text there is, there and back.

Published: S. Larsson's "SMS and the PDU format" (hellohello), the SMS-SUBMIT examples of the nRF
AT command reference, and the test data of python-gsmmodem and of perl's Device::Gsm.
"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drivers.emulated.modem import Message, decoded
from drivers.framing.gsm_alphabet import packed, plain, septets
from drivers.framing.sms_pdu import PARTS_MAX, is_number, submits, validity_period

DAY = 24 * 60
LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipisicing elit, sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua.Ut enim ad minim veniam, quinostrud exercitation ullamco laboris"
    " nisi ut aliquip ex ea commodo consequat.Duis aute irure dolor in reprehenderit in voluptate "
    "velit esse cillum doloe eu fugiat nulla pariatur.Excepteur sint occaecat cupidatat non "
    "proident, sunt in culpa qui officia deserunt mollit anim id est laborum"
)
LOREM_PARTS = (
    (
        "A0050003000301986F79B90D4AC3E7F53688FC66BFE5A0799A0E0AB7CB741668FC76CFCB637A995E9783C2E4343C3D"
        "4F8FD3EE33A8CC4ED359A079990C22BF41E5747DDE7E9341F4721BFE9683D2EE719A9C26D7DD74509D0E6287C56F79"
        "1954A683C86FF65B5E06B5C36777181466A7E3F5B0AB4A0795DDE936284C06B5D3EE741B642FBBD3E1360B14AFA7DD"
    ),
    (
        "A0050003000302DE73BABC4E0695F165F9384D0FD3D36F37A8CE6687DBE337881D16BFE5E939C89D9EA741753A28CC"
        "4EC7EB6938A88C0795C3A0F1BBDD7E93DFA0F1DB3D2FC7EB61BA8B584FCF41E13ABD0C4ACBEBF23288FC66BFE5A0B4"
        "1B242FC3E56574D94D2ECBD37450DA0DB2BFD975383D4C2F83EC65769A0E2ACFE765D038CD66D7DB20F29BFD2E83CA"
    ),
    (
        "8C050003000303EA2073FD9C0ED341EE3A9B1D06C1C3F274985E97BB8AF871194E2FD7E5A079DA4D07BDC7E370791C"
        "A683C675789A1CA687E920F7DB0D82CBDF6972D94D6781E675371D947683C675363C0C8AD7D3A0B7D99C1EA7C32072"
        "795E96D7DD7450FBCD66A7E9A0B03BDD06A5C9A0F29C0E6287C56F79BD0D"
    ),
)


def coded(text: str) -> bytes:
    return packed([code for letter in text for code in septets(letter)])


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("hellohello", "E8329BFD4697D9EC37"),
        (
            "The quick fox jumps over the lazy dog",
            "54741914AFA7C76B90F98D07A9EB6DF81CF4B697E5203ABA0C6287F57910F97D06",
        ),
        ("123", "31D90C"),
        ("12345678", "31D98C56B3DD70"),
        ("Hello World!", "C8329BFD065DDF72363904"),
        ("[{abc}]~", "1BDE0615168F37A98D6FD303"),
        ("{åΦΓΛΩΠΨΣΘ€}", "1BD44332A1542C174C6653DEA400"),
        ("a[]{}€", "E10D6FE3DBA036A94D19"),
    ],
)
def test_letters_are_packed_as_published(text: str, octets: str) -> None:
    assert coded(text).hex().upper() == octets


@pytest.mark.parametrize(
    ("number", "text", "minutes", "pdu"),
    [
        ("+46708251358", "hellohello", 4 * DAY, "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"),
        (
            "+31628870634",
            "www.diafaan.com",
            3 * DAY,
            "0011000B911326880736F40000A90FF7FBDD454E87CDE1B0DB357EB701",
        ),
        (
            "+123456789",
            "世界您好！",
            52 * 7 * DAY,
            "001100099121436587F90008F40A4E16754C60A8597DFF01",
        ),
        # A national number as Device::Gsm writes it, and hello in UCS-2 as the N11 manual does.
        ("3289287791", "hellohello", 4 * DAY, "0011000A8123988277190000AA0AE8329BFD4697D9EC37"),
    ],
)
def test_a_message_is_the_published_one(number: str, text: str, minutes: int, pdu: str) -> None:
    (message,) = submits(number, text, validity_min=minutes)
    assert message.pdu.hex().upper() == pdu
    assert message.length == len(pdu) // 2 - 1


def test_a_long_text_is_cut_into_the_published_parts() -> None:
    messages = submits("+15125551234", LOREM)
    assert len(messages) == 3
    for message, part in zip(messages, LOREM_PARTS, strict=True):
        assert message.pdu.hex().upper().endswith("0B915121551532F40000A7" + part)


@pytest.mark.parametrize(
    ("minutes", "octet"), [(30, 5), (16 * 60, 151), (3 * DAY, 169), (35 * DAY, 197), (10**9, 255)]
)
def test_how_long_the_network_tries_is_the_published_octet(minutes: int, octet: int) -> None:
    assert validity_period(minutes) == octet


def test_korean_goes_through_whole_with_70_letters_a_message() -> None:
    text = "냉장고 온도 경고: 8.2 °C. 문을 닫고 식품을 옮기십시오. " * 4
    messages = submits("+821012345678", text, reference=0x1C7)
    said = [decoded(message.pdu) for message in messages]
    assert "".join(each.text for each in said) == text
    assert {(each.number, each.reference) for each in said} == {("+821012345678", 0xC7)}
    assert [(each.part, each.parts) for each in said] == [(1, 3), (2, 3), (3, 3)]


def test_a_degree_sign_does_not_halve_the_room() -> None:
    (message,) = submits("119", "Walk-in cold room is warm: 8.2 °C – limit 6 °C…")
    assert decoded(message.pdu).text == "Walk-in cold room is warm: 8.2 C - limit 6 C..."


@pytest.mark.parametrize(("letter", "room"), [("a", 4 * 153), ("€", 4 * 76), ("가", 4 * 67)])
def test_what_four_messages_do_not_hold_is_cut_and_says_so(letter: str, room: int) -> None:
    messages = submits("119", letter * 1_000)
    text = "".join(decoded(message.pdu).text for message in messages)
    assert len(messages) == PARTS_MAX
    assert text.rstrip(".") == letter * (len(text) - 3)
    assert room - 3 <= len(text) <= room + 2


@pytest.mark.parametrize(
    "number", ["", "+", "12", "010-1234-5678", "+8210 1234", "1" * 21, "１２３"]
)
def test_what_cannot_be_dialled_is_refused(number: str) -> None:
    assert not is_number(number)
    with pytest.raises(ValueError, match="no telephone number"):
        submits(number, "x")


def test_parts_that_say_another_length_are_no_message() -> None:
    (message,) = submits("119", "hello")
    for broken in (message.pdu[:-1], message.pdu + b"\0", b"\x00\x02" + message.pdu[2:]):
        with pytest.raises((ValueError, IndexError)):
            decoded(broken)


def whole(messages: list[Message]) -> str:
    assert [it.part for it in messages] == list(range(1, len(messages) + 1))
    return "".join(it.text for it in messages)


ALPHABET = st.text(st.sampled_from("abcXYZ 0189@€[]{}|^~\\\n\f£ñΔ°"), max_size=700)


@settings(max_examples=60)
@given(ALPHABET | st.text(max_size=300), st.integers(0, 255))
@example("€" * 77 + "a", 1)
@example("a" * 152 + "€" + "b" * 100, 2)
@example("가" * 66 + "😀" + "나" * 10, 3)
@example("half \ud83d of a letter", 4)
def test_every_text_arrives_as_it_was_as_far_as_there_is_room(text: str, reference: int) -> None:
    messages = submits("+821012345678", text, reference=reference)
    assert all(message.length <= 140 + 15 for message in messages)
    arrived = whole([decoded(message.pdu) for message in messages])
    wanted = plain(text) if plain(text) is not None else text
    assert wanted is not None
    wanted = wanted.encode("utf-16-be", "replace").decode("utf-16-be")
    if arrived != wanted:
        assert len(messages) == PARTS_MAX
        assert arrived.endswith("...")
        assert wanted.startswith(arrived[:-3])
