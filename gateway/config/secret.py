"""Secrets are references: the configuration names one, and only who needs it opens it.

`{secret: mqtt}` is the systemd credential `mqtt` (LoadCredential=, below $CREDENTIALS_DIRECTORY)
where there is one, else the file `secrets/mqtt` beside the configuration, for its owner alone.
What it holds is in no object that lasts: it is read anew each time it is needed.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

FOLDER = "secrets"
SIZE_MAX = 64 * 1024
# Keys under which people write what must not be read by others; never repeated in any output.
KEYS = frozenset({"password", "passwd", "passphrase", "token", "secret", "api_key", "private_key"})
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


_NAME = re.compile(r"[a-z0-9_]{1,36}")
_LITERAL = (
    "got a literal, expected a reference such as {secret: mqtt}: write the secret into the file "
    "secrets/mqtt beside this one and chmod 600 it (or LoadCredential=mqtt:… of systemd)"
)


class SecretError(ValueError):
    """The secret cannot be used; the message says where it is expected and what to do."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference; neither it nor anything printed of it holds what it refers to."""

    name: str
    folder: Path  # of the configuration

    @property
    def file(self) -> Path:
        """Where it stands: systemd's credential if there is one of that name, else our own file."""
        credential = self._credential
        return credential if credential.is_file() else self.folder / FOLDER / self.name

    @property
    def _credential(self) -> Path:
        return Path(os.environ.get("CREDENTIALS_DIRECTORY", os.devnull)) / self.name

    def check(self) -> None:
        """Raises SecretError unless it is there, and nobody else can reach it."""
        file = self.file
        try:
            status = file.stat()
        except OSError as error:
            raise SecretError(
                f"got no secret at {file} ({error.strerror}), expected a file: write the secret "
                f"into it, then chmod 600 {file}"
            ) from None
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"got {file}, which is something else, expected a file")
        if status.st_size > SIZE_MAX:
            raise SecretError(f"got {status.st_size} bytes in {file}, expected at most {SIZE_MAX}")
        # systemd guards its own and shows them group-readable.
        mode = stat.S_IMODE(status.st_mode)
        if mode & _OTHERS and file != self._credential:
            raise SecretError(
                f"got {file} with mode {mode:04o}, which others can reach, expected 0600: "
                f"chmod 600 {file}"
            )

    def read(self) -> str:
        """What it holds, without the end of its last line; raises SecretError."""
        self.check()
        try:
            return self.file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SecretError(f"the secret {self.file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SecretError(f"the secret {self.file} is not UTF-8; write it as text") from error


def referred(name: str, folder: Path, *, look: bool) -> Secret:
    """The secret of that name; with `look` it must be there. Raises SecretError, naming nothing."""
    if not _NAME.fullmatch(name):
        raise SecretError(_LITERAL)
    secret = Secret(name, folder)
    if look:
        secret.check()
    return secret
