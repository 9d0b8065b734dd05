"""An order: what a person or the cloud wants of an actuator, and what has become of it."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

KEEP_MS = 7 * 86_400_000  # how long what became of an order is known
KEEP_MAX = 500
IN_FLIGHT_MAX = 32


class OrderState(StrEnum):
    """From `accepted` on an order is a row; the last four are final."""

    ACCEPTED = "accepted"
    RUNNING = "running"  # its slot is taken, and the read-back is awaited
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"


IN_FLIGHT = (OrderState.ACCEPTED, OrderState.RUNNING)


class Order(msgspec.Struct, frozen=True, tag="order", omit_defaults=True):
    """One order; times are kitchen ms. `value` None takes back what holds the slot."""

    actuator: str
    slot: int
    state: OrderState
    at: int
    by: str = ""
    role: str = ""
    origin: str = ""
    value: bool | None = None
    until: int | None = None  # how long the slot is wanted; None: until it is taken back
    code: str = ""  # why it was refused or failed; `assumed`: the device cannot tell
    about: str = ""  # the other thing the code is about: a rule, an actuator, an order
    due: int | None = None  # when it has to be begun, or confirmed
    ended: int | None = None

    @property
    def in_flight(self) -> bool:
        """Whether it is still to end."""
        return self.state in IN_FLIGHT


def too_many(orders: Iterable[Order]) -> bool:
    """Whether so many orders are on their way that another one has to wait."""
    return sum(order.in_flight for order in orders) >= IN_FLIGHT_MAX
