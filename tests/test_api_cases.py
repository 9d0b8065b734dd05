"""Every operation of the description is asked thousands of made-up things: no 5xx, no other shape.

Half of the cases fit the description and half do not, against a daemon with its emulated kitchen.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, Daemon

# A live page never ends; a trial of rules takes seconds, a reload the whole kitchen.
SLOW = {"get_rules_test": 3, "post_rules_test": 10, "post_config_reload": 3, "get_live": 0}
TOKENS = 6  # so that few of the cases are refused for coming too fast
OPERATIONS_LEAST = 40
LONG_CASES = 5_000
# What the shipped kitchen has not, so that those routes are asked for more than their absence.
TOLD = """
notifications:
  channels:
    browsers: {kind: webpush, contact: "mailto:owner@example.com"}
    box: {kind: webhook, url: "http://127.0.0.1:9/", addresses: [127.0.0.1/32]}
  people: {kim: {role: cook}}
  routes: [{to: [cook], by: [browsers, box], verbs: [raise]}]
"""
_CHECKS: list[CheckFunction] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("cases")
    # A copy: what is made up may save rules beside it.
    config = (REPOSITORY / "config.yaml").read_text()
    assert "\nnotifications:" not in config
    with Daemon(folder, config + TOLD) as running:
        yield running


class Asking:
    """Asks a daemon what schemathesis makes up, and counts the answers."""

    def __init__(self, daemon: Daemon, each: int) -> None:
        self._each = each
        self._base = f"http://127.0.0.1:{daemon.port}"
        self._tokens = [daemon.create_token("admin") for _ in range(TOKENS)]
        known = self._tokens[-1]
        daemon.wait_until(lambda: daemon.get("/api/v1/points", known)[0] == 200)
        self._session = requests.Session()
        _, self.description = daemon.get("/api/v1/openapi.json", known)
        self.statuses: Counter[int] = Counter()
        self.operations: Counter[str] = Counter()

    def everything(self) -> None:
        """Raises what schemathesis finds wrong with an answer."""
        schema = schemathesis.openapi.from_dict(self.description)
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            name = operation.definition.raw["operationId"]
            cases = min(self._each, SLOW.get(name, self._each))
            for mode in schemathesis.GenerationMode:
                if cases:
                    self._ask(name, operation.as_strategy(generation_mode=mode), cases)

    def _ask(self, name: str, strategy: SearchStrategy[schemathesis.Case[Any]], cases: int) -> None:
        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def ask(case: schemathesis.Case[Any]) -> None:
            token = self._tokens[self.operations.total() % TOKENS]
            headers = {"Authorization": f"Bearer {token}"}
            answer = case.call(
                base_url=self._base,
                session=self._session,
                headers=headers,
                timeout=PATIENCE_S,
                allow_redirects=False,
            )
            self.operations[name] += 1
            self.statuses[answer.status_code] += 1
            case.validate_response(answer, checks=_CHECKS)

        try:
            ask()
        except Unsatisfiable:  # nothing of an operation without input can be wrong
            return


def test_a_few_cases_of_every_operation_are_answered_as_described(daemon: Daemon) -> None:
    asking = Asking(daemon, 3)
    asking.everything()
    assert len(asking.operations) >= OPERATIONS_LEAST


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_thousands_of_cases_are_answered_as_described(daemon: Daemon) -> None:
    asking = Asking(daemon, 75)
    asking.everything()
    print(asking.statuses, asking.operations)
    assert asking.operations.total() >= LONG_CASES
    assert daemon.health()["status"] in {"running", "degraded"}
