"""`python -m gateway.trial`: answers one question from stdin on stdout; see `apart.py`."""

import os
import sys
from pathlib import Path

import msgspec

from gateway.config import texts
from gateway.config.load import Loaded, load_rules, load_text, load_texts
from gateway.rule_texts import TooMuch, with_text
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
        try:
            edited = _edited(loaded, asked.rules.encode(), asked.part)
        except TooMuch as error:
            return Answer(failed=str(error))
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


def _edited(around: Loaded, rules: bytes, part: str | None) -> Loaded:
    if part is None:
        return load_rules(rules, Path("rules"), around)
    wanted = with_text(texts.split(around.text), part, rules)
    return load_texts(wanted, around.file, proven=True)


if __name__ == "__main__":
    os.nice(_NICE)
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    sys.stdout.buffer.write(msgspec.json.encode(answer(question)))
