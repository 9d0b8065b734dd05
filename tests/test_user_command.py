"""`kitchen-gateway user`: people on the machine itself, beside a gateway that runs."""

import subprocess
import sys
from pathlib import Path

from gateway.access import Role
from tests.processes import Daemon

CONFIG = "site: {label: Test, zone: UTC}\nweb: {listen: 127.0.0.1}\n"
PASSWORD = "correct horse battery"


def user(data: Path, *words: str, typed: str = "") -> tuple[int, str]:
    """What `kitchen-gateway user` ends with and says."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "user", *words, "--data", str(data)],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_people_are_made_listed_and_removed_and_the_first_admin_by_code(tmp_path: Path) -> None:
    with Daemon(tmp_path, CONFIG) as daemon:
        daemon.wait_until(lambda: "pairing code" in daemon.log)
        data = daemon.data
        code, said = user(data, "add", "kim", "--label", "김민지", "--zone", "bar", typed=PASSWORD)
        assert (code, said) == (0, "kim may log in as staff\n")
        assert user(data, "add", "lee", "--pin", typed="123456\n")[0] == 1
        assert user(data, "add", "lee", "--pin", typed="280519\n")[0] == 0
        code, said = user(data, "list")
        assert code == 0
        assert "김민지" in said
        assert PASSWORD not in said
        code, said = user(data, "add", "kim", typed=PASSWORD)
        assert (code, "already" in said) == (1, True)
        assert user(data, "pin", "kim", typed="739102")[0] == 0
        assert user(data, "passwd", "kim", typed=PASSWORD + "!")[0] == 0
        assert user(data, "unlock", "kim")[0] == 0
        assert user(data, "pair")[0] == 0
        assert user(data, "remove", "lee")[0] == 0
        assert user(data, "remove", "lee") == (1, "Error: there is nobody called lee\n")
        assert user(data, "add", "boss", "--role", Role.ADMIN, typed=PASSWORD)[0] == 0
        assert user(data, "remove", "boss")[0] == 1
        assert user(data, "pair")[0] == 1
        assert PASSWORD not in daemon.log


def test_a_folder_no_gateway_has_run_on_is_named(tmp_path: Path) -> None:
    code, said = user(tmp_path, "list")
    assert code == 1
    assert "no gateway has run" in said
