"""`python -m gateway.trial`: answers one question from stdin on stdout; see `apart.py`."""

import os
import sys
from pathlib import Path

import msgspec

from gateway.config.load import load_rules, load_text
from gateway.store.errors import StoreError
from gateway.trial import stored
from gateway.trial.apart import Answer, Asked

_NICE = 15  # the kitchen comes first


def answer(asked: Asked) -> Answer:
    """What comes of it."""
    loaded = load_text(asked.config.encode(), Path(asked.file), proven=True)
    if loaded.config is None:
        return Answer(failed="no configuration is in force", problems=loaded.problems)
    contenders = [stored.contender(loaded, "in force")]
    if asked.rules is not None:
        edited = load_rules(asked.rules.encode(), Path("rules"), loaded)
        if edited.config is None:
            return Answer(problems=edited.problems)
        contenders.append(stored.contender(edited, "edited"))
    data, zone = Path(asked.data), loaded.config.site.zone
    try:
        stretch = stored.usual(data, asked.start, asked.end)
        report = stored.on_history(data, contenders, stretch, zone, lambda done: None)
    except StoreError as error:
        return Answer(failed=str(error))
    return Answer(report=msgspec.Raw(msgspec.json.encode(report)))


if __name__ == "__main__":
    os.nice(_NICE)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    sys.stdout.buffer.write(msgspec.json.encode(answer(question)))
