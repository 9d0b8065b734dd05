"""What becomes of an alarm, in the gateway's log: a line when it is raised, one when it is over."""

import logging
from collections.abc import Mapping

from rules.alarm import Verb

logger = logging.getLogger(__name__)


def say(data: Mapping[str, object]) -> None:
    """Say what the data of an event about an alarm tells; between the two its rows are enough."""
    if data["verb"] == Verb.RAISE:
        point, value = data["point"], data["value"]
        cause = f"{point} is {value!r}" if point else value
        logger.warning("alarm %s: raised, %s: %s", data["id"], data["priority"], cause)
    elif data["verb"] == Verb.CLEAR:
        by = f" by {data['by']}" if data["by"] else ""
        logger.info("alarm %s: cleared%s", data["id"], by)
