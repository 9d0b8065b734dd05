"""A cellular modem that sends messages: is it ready, how well does it hear, and take this one.

Source: 3GPP TS 27.007 (`+CPIN` 8.3, `+CREG` 7.2, `+CEREG` 10.1.22, `+CSQ` 8.5, errors 9.2) and
3GPP TS 27.005 (`+CMGF` 3.2.3, `+CMGS` 3.5.1, errors 3.2.5; causes of the network in TS 24.011,
annex E.2). An LTE modem may be registered for packets alone and still send, so either will do.
"""

from dataclasses import dataclass

from drivers.base import BusError, DriverError
from drivers.framing.at import Commands, Refusal, Silent
from drivers.framing.sms_pdu import Submit

ASK_S = 2.0
SIM_S = 5.0  # a SIM that has just been powered is slow
PROMPT_S = 5.0
SEND_S = 20.0  # for the network to take a message; it mostly does within 5 s

_SIGNAL_BEST = 31
_REGISTERED = {1, 5, 6, 7, 9, 10}  # at home and roaming; 6 and 7 for messages alone
_ROAMING = {5, 7, 10}
_REGISTRATION = {
    0: "it does not search for a network: is its radio on (AT+CFUN=1)?",
    2: "it searches for a network: check its aerial, or wait",
    3: "the network denies this SIM: ask the operator whether it is active",
    4: "it does not know its network: check its aerial, or restart it",
    8: "the network takes emergency calls only: ask the operator whether this SIM is active",
}
_NO_SIM = "no SIM: put one in, then restart the modem"
_PIN = "the SIM asks for its PIN: take the PIN off in a telephone"
_PUK = "the SIM is locked: unlock it with its PUK in a telephone"
_SIM_FAILS = "the SIM fails: clean its contacts or replace it"
_NO_NETWORK = "no network: check its aerial"
_BARRED = "the operator does not take it: check the credit and the tariff of this SIM"
_LATER = "the network has no room now"
_CME = {
    3: "it may not do this now", 5: _PIN, 10: _NO_SIM, 11: _PIN, 12: _PUK, 13: _SIM_FAILS,
    14: "the SIM is busy", 15: "the SIM is of another operator: the modem is locked to one",
    30: _NO_NETWORK, 31: "the network does not answer", 32: _REGISTRATION[8],
}  # fmt: skip
_CMS = {
    8: _BARRED, 10: _BARRED, 17: "the network fails", 21: _BARRED, 22: "no memory at the far end",
    27: "the telephone cannot be reached", 29: _BARRED, 38: _LATER, 41: _LATER, 42: _LATER,
    47: _LATER, 50: _BARRED, 69: _BARRED, 301: "its message service is used by another program",
    302: "it may not do this now", 310: _NO_SIM, 311: _PIN, 312: _PIN, 313: _SIM_FAILS,
    314: "the SIM is busy", 315: "the SIM is of another operator: the modem is locked to one",
    316: _PUK, 330: "the SIM does not know its service centre: ask the operator for its number",
    331: _NO_NETWORK, 332: "the network does not answer",
}  # fmt: skip
# No attempt will ever be taken: the number, not the network, is wrong.
_NEVER = {
    1: "nobody has this number: correct it in the configuration",
    28: "the number is not known there: correct it in the configuration",
    30: "the number has no subscriber: correct it in the configuration",
}


class NotReady(BusError):
    """Nothing can be sent now; says who must do what."""


class Rejected(DriverError):
    """No attempt will ever succeed with this message; says who must do what."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the modem is connected."""

    signal_dbm: int | None  # None while it does not know; -51 stands for all that is better
    roaming: bool


def standing(at: Commands) -> Standing:
    """Wake the modem, set it up and ask how it is; raises NotReady.

    It is set up anew each time: one that restarted in between has forgotten everything.
    """
    try:
        at.wake()
        at.ask("ATE0", ASK_S)
        at.ask("AT+CMEE=1", ASK_S)
        _check_sim(at.ask("AT+CPIN?", SIM_S, answer="+CPIN:")[0])
        registration = _registration(at)
        signal_dbm = _signal_dbm(at.ask("AT+CSQ", ASK_S, answer="+CSQ:")[0])
        at.ask("AT+CMGF=0", ASK_S)
    except Refusal as error:
        raise NotReady(_meaning(error)) from error
    return Standing(signal_dbm, registration in _ROAMING)


def send(at: Commands, message: Submit) -> int:
    """Hand one message over to the network; the reference it got.

    Raises NotReady, Rejected, or Silent when nobody knows whether it was sent.
    """
    try:
        at.ask_for_prompt(f"AT+CMGS={message.length}", PROMPT_S)
    except Silent:
        at.cancel()
        raise
    except Refusal as error:
        raise NotReady(_meaning(error)) from error
    try:
        taken = at.submit(message.pdu.hex().upper(), SEND_S, answer="+CMGS:")
    except Refusal as error:
        if error.source == "CMS" and error.code in _NEVER:
            raise Rejected(_NEVER[error.code]) from error
        raise NotReady(_meaning(error)) from error
    return _numbers(taken[0])[0] or 0


def _check_sim(said: str) -> None:
    if said == "READY":
        return
    if said in {"SIM PIN", "SIM PIN2"}:
        raise NotReady(_PIN)
    raise NotReady(_PUK if "PUK" in said else f"the SIM says {said}: look at it in a telephone")


def _registration(at: Commands) -> int:
    """The state in which it is registered; raises NotReady where it is in neither network."""
    found: list[int] = []
    for command in ("+CREG", "+CEREG"):
        try:
            said = at.ask(f"AT{command}?", ASK_S, answer=f"{command}:")
        except Refusal:  # an older modem knows no LTE
            continue
        # One that is told unasked has no first number, which says whether that is wanted.
        states = [numbers[1] for it in said if len(numbers := _numbers(it)) > 1]
        found += [state for state in states if state is not None]
    for state in found:
        if state in _REGISTERED:
            return state
    if not found:
        raise NotReady("it does not tell whether it has a network: is it a cellular modem?")
    worst = max(found, key=lambda state: (state in {3, 8}, state))
    raise NotReady(_REGISTRATION.get(worst, f"no network (state {worst}): check its aerial"))


def _signal_dbm(said: str) -> int | None:
    """Received signal: 0 to 31 are -113 to -51 dBm in steps of 2, 99 is not known."""
    steps = _numbers(said)[0]
    if steps is None or not 0 <= steps <= _SIGNAL_BEST:
        return None
    return -113 + 2 * steps


def _numbers(said: str) -> list[int | None]:
    """The parameters of an answer; None for one that is no number."""
    fields = [field.strip() for field in said.split(",")]
    return [int(field) if field.isdecimal() else None for field in fields]


def _meaning(error: Refusal) -> str:
    known = _CMS if error.source == "CMS" else _CME if error.source == "CME" else {}
    why = None if error.code is None else known.get(error.code)
    return f"{why} ({error})" if why else f"the modem refuses: {error}"
