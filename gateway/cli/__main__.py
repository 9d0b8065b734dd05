"""`python -m gateway.cli`: the same as the command `kitchen-gateway`."""

from gateway.cli import main

main(prog_name="kitchen-gateway")
