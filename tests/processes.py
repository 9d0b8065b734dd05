"""The daemon as a process of its own, which can be stopped, killed, frozen and asked."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.patience import PATIENCE_S

REPOSITORY = Path(__file__).resolve().parent.parent
_LOOK_S = 0.01
_ASK_S = 30.0
_PAGE = re.compile(r"page on http://\S+:(\d+)$")

Seen = TypeVar("Seen")


class DaemonError(Exception):
    """The daemon did not do what was waited for; the message ends with its own log."""


def wait_for(
    look: Callable[[], Seen | None],
    deadline_s: float = PATIENCE_S,
    failing: Callable[[], str] = lambda: "",
) -> Seen:
    """What `look` gives once it gives something true; raises DaemonError after the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise DaemonError(f"waited {deadline_s:g} s in vain\n{failing()}")
        time.sleep(_LOOK_S)


class Daemon:
    """`kitchen-gateway run` on a data folder, which stays the same over stop, kill and start."""

    def __init__(
        self,
        folder: Path,
        config: str | Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`config` is a file, or the text of one to write to `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.config = config if isinstance(config, Path) else folder / "config.yaml"
        if isinstance(config, str):
            self.config.write_text(config)
        self.arguments: Sequence[str] = arguments
        self._environment = dict(environment or {})
        self._folder = folder
        self._log = folder / "daemon.log"
        self._said_before = 0  # where in the log the present start begins
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> Self:
        """Start; with `ready` return once its page answers."""
        assert self._process is None, "it runs already"
        self._said_before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "run", *self._options(), *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._whole_environment(),
            )
        if ready:
            try:
                self.wait_ready()
            except DaemonError:
                self.kill()
                raise
        return self

    def stop(self) -> int:
        """SIGTERM; gives the exit code. Does nothing while stopped."""
        if self._process is None:
            return 0
        self.terminate()
        return self.wait_exit()

    def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        self._running().send_signal(signal.SIGCONT)
        self._running().terminate()

    def wait_exit(self, deadline_s: float = PATIENCE_S) -> int:
        """Give its exit code; kills it and raises DaemonError past the deadline."""
        process = self._running()
        try:
            process.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise DaemonError(f"no exit within {deadline_s:g} s\n{self.log}") from error
        self._process = None
        return process.returncode

    def hang_up(self) -> None:
        """Send SIGHUP: load the configuration again."""
        self._running().send_signal(signal.SIGHUP)

    def reload(self, token: str) -> tuple[int, Any]:
        """Status and body of a reload by the API; waits for the token, and for the pace."""

        def asked() -> tuple[int, Any] | None:
            answer = self.post("/api/v1/config/reload", token)
            return None if answer[0] in {401, 429} else answer

        return self.wait_until(asked)

    def kill(self) -> None:
        """SIGKILL: end it as a power cut would end the process. Does nothing while stopped."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it in its tracks; `thaw` lets it go on."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """Process id; raises DaemonError while stopped."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the present start has said so far, on both outputs."""
        with self._log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        """The log by lines."""
        return self.log.splitlines()

    @property
    def port(self) -> int:
        """Where the page listens; raises DaemonError until it does."""
        port = self._find_port()
        if port is None:
            raise DaemonError(f"no page yet\n{self.log}")
        return port

    @property
    def database(self) -> Path:
        """The one file of its data folder."""
        return self.data / "gateway.db"

    def wait_line(self, pattern: str, deadline_s: float = PATIENCE_S) -> str:
        """The first line of the present start in which `pattern` is found, once it is there."""
        return self.wait_until(
            lambda: next((line for line in self.lines if re.search(pattern, line)), None),
            deadline_s,
        )

    def wait_ready(self, deadline_s: float = PATIENCE_S) -> None:
        """Return once the page answers under /health, whatever it says."""
        self.wait_until(self._find_port, deadline_s)
        self.wait_until(self._answers, deadline_s)

    def wait_well(self) -> None:
        """Return once nothing is wrong with it, but perhaps that this machine is slow."""

        def well() -> bool:
            health = self.health()
            wrong = [trouble for trouble in health["troubles"] if not trouble.startswith("loop: ")]
            return health["status"] in {"running", "degraded"} and not wrong

        self.wait_until(well)

    def wait_until(self, look: Callable[[], Seen | None], deadline_s: float = PATIENCE_S) -> Seen:
        """As `wait_for`; gives up at once when the daemon has ended."""

        def look_while_running() -> Seen | None:
            seen = look()
            if not seen and not self.running:
                raise DaemonError(f"the daemon has ended\n{self.log}")
            return seen

        return wait_for(look_while_running, deadline_s, lambda: self.log)

    def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON body of a GET."""
        return self._ask("GET", path, token)

    def post(
        self, path: str, token: str | None = None, body: object | None = None
    ) -> tuple[int, Any]:
        """Status and JSON body of a POST, of an empty object where none is given."""
        return self._ask("POST", path, token, json.dumps(body or {}).encode())

    def put(self, path: str, token: str, body: object) -> tuple[int, Any]:
        """Status and JSON body of a PUT."""
        return self._ask("PUT", path, token, json.dumps(body).encode())

    def health(self) -> dict[str, Any]:
        """The body of /health."""
        status: dict[str, Any] = self.get("/health")[1]
        return status

    def create_token(self, role: str = "viewer") -> str:
        """A token from the command line, which the daemon knows within a few seconds."""
        command = [sys.executable, "-m", "gateway.cli", "token", "create"]
        done = subprocess.run(
            [*command, "--data", str(self.data), "--role", role],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            cwd=self._folder,
            env=self._whole_environment(),
        )
        if done.returncode:
            raise DaemonError(f"token create failed: {done.stderr}\n{self.log}")
        return done.stdout.strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def _options(self) -> list[str]:
        return ["--config", str(self.config), "--data", str(self.data), "--port", "0"]

    def _whole_environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "STATE_DIRECTORY"}
        }
        path = [str(REPOSITORY), *filter(None, [inherited.get("PYTHONPATH")])]
        return inherited | {"PYTHONPATH": os.pathsep.join(path)} | self._environment

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise DaemonError("the daemon is not running")
        return self._process

    def _find_port(self) -> int | None:
        found = [_PAGE.search(line) for line in self.log.split("\n")[:-1]]
        return next((int(match[1]) for match in reversed(found) if match), None)

    def _answers(self) -> bool:
        try:
            self.get("/health")
        except OSError:
            return False
        return True

    def _ask(
        self, method: str, path: str, token: str | None, body: bytes | None = None
    ) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_ASK_S) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")
