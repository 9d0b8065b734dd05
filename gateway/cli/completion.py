"""`kitchen-gateway completion SHELL`: what makes the shell complete our commands."""

import click

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_KITCHEN_GATEWAY_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script for SHELL that completes commands and options.

    For bash:  eval "$(kitchen-gateway completion bash)"
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 - one of _SHELLS
    root = context.find_root().command
    click.echo(script(root, {}, "kitchen-gateway", _VARIABLE).source())
