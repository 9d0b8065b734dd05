"""`kitchen-gateway`: each command is a file of its own, imported only when it is called."""

import importlib

import click

from gateway import __version__

_COMMANDS = {
    "run": "run",
    "demo": "demo",
    "setup": "setup",
    "check": "check",
    "dump": "dump",
    "reload": "reload",
    "devices": "devices",
    "read": "read",
    "ingest": "ingest",
    "token": "token",
    "audit": "audit",
    "tls": "tls",
    "user": "user",
    "export": "export",
    "rules": "rules",
    "completion": "completion",
}


class _Group(click.Group):
    """Loads a command's file when it is asked for; `run` then never pays for the others."""

    def list_commands(self, context: click.Context) -> list[str]:
        del context
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        del context
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"gateway.cli.{_COMMANDS[name]}")
        command = getattr(module, name)
        assert isinstance(command, click.Command)  # noqa: S101 - our own table
        return command


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kitchen-gateway")
def main() -> None:
    """Reads, judges and drives a restaurant kitchen, and loses no reading on the way to the cloud.

    Try it without hardware:  kitchen-gateway demo
    """
