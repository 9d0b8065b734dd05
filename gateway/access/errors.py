"""Why somebody is not let in, or something about people is not done."""


class Refused(Exception):
    """The secret is wrong, used up or expired."""


class TooManyTries(Exception):
    """Somebody at this address has guessed too often, and must wait a minute."""


class Locked(Exception):
    """Too many wrong tries of this person or on this tablet; `wait_s` until the next one."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"locked for {wait_s:.0f} s")
        self.wait_s = wait_s


class TooOften(Exception):
    """A person or token has come in so often that it must wait, `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"again in {wait_s:.0f} s")
        self.wait_s = wait_s


class Overrun(Exception):
    """More logins wait for their turn than the machine can serve soon."""


class Unfit(Exception):
    """A password, PIN, name or right that cannot be taken; the message says why.

    So does `why` in one word, which the page has a sentence for in each language.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why


class NotAllowed(Exception):
    """It would change what whoever asks may not change; the message says who may.

    `why` is one word, as above.
    """

    def __init__(self, message: str, why: str = "") -> None:
        super().__init__(message)
        self.why = why
