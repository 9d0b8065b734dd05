"""`python -m bench.peers.harness PEER PORT OUT.json [OPTION ...]`: the shared harness, with us in.

The harness is a script of its own in `../shared/bench` (or `KG_SHARED`/bench), and not edited: its
source is read, and what it asks of a peer is answered by `bench.peers.kitchen` when that is us.
Its floors run on SCRATCH/base/venv, which its own install.sh makes.
"""

import ast
import atexit
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.daemon import environment
from bench.peers import kitchen
from bench.report import ROOT

NAME = "kitchen-gateway"
Spec = tuple[list[str], str | None, dict[str, str], str, str | None]


def folder() -> Path | None:
    """Where the shared harness is, None where there is none."""
    shared = Path(os.environ.get("KG_SHARED", ROOT.parent / "shared"))
    return shared / "bench" if (shared / "bench" / "peerbench.py").is_file() else None


class _Answering(ast.NodeTransformer):
    """Puts our answers right behind the functions they stand in for."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | list[ast.stmt]:
        if node.name not in {"spec", "stored", "on_cmd"}:
            return node
        answer = ast.parse(f"{node.name} = KITCHEN_GATEWAY_{node.name.upper()}({node.name})")
        return [node, *answer.body]


class Peer:
    """What the harness asks of a peer, answered for us and passed on for all others."""

    def __init__(self, arguments: list[str]) -> None:
        self._us = arguments[0] == NAME
        self._port = int(arguments[1])
        self._data = Path(os.environ["SCRATCH"]) / "run" / f"{arguments[0]}-{self._port}"
        self._store = kitchen.Stored(self._data / "data" / "gateway.db")

    def spec(self, theirs: Callable[[], Spec]) -> Callable[[], Spec]:
        """Command, folder, environment, database and table."""
        return self._spec if self._us else theirs

    def stored(self, theirs: Callable[[], int]) -> Callable[[], int]:
        """How many different readings the peer's store holds."""
        return self._store.count if self._us else theirs

    def on_cmd(self, theirs: Callable[[str, bytes], None]) -> Callable[[str, bytes], None]:
        """What hears commands; to tell a switch again what it does already is no reaction."""
        told: dict[str, bytes] = {}

        def hear(topic: str, payload: bytes) -> None:
            if told.get(topic, b"OFF") != payload:
                told[topic] = payload
                theirs(topic, payload)

        return hear if self._us else theirs

    def _spec(self) -> Spec:
        local, cloud, web = (self._port + number for number in range(3))
        config = self._data / "config.yaml"
        config.write_text(kitchen.write(local, cloud))
        receiver = subprocess.Popen(
            [sys.executable, "-m", "bench.peers.cloud", str(cloud)], env=environment(), cwd=ROOT
        )
        atexit.register(receiver.kill)
        command = [sys.executable, "-m", "gateway.cli", "run", "--config", str(config)]
        command += ["--data", str(self._data / "data"), "--port", str(web)]
        return command, str(self._data), {"PYTHONPATH": str(ROOT)}, str(self._store.path), None


def main() -> None:
    """Run the harness in this process."""
    bench = folder()
    if bench is None:
        sys.exit(
            "NOT RUN: no harness: put the shared folder beside the repository or set KG_SHARED"
        )
    script = bench / "peerbench.py"
    peer = Peer(sys.argv[1:])
    tree = ast.fix_missing_locations(_Answering().visit(ast.parse(script.read_text())))
    sys.argv = [str(script), *sys.argv[1:]]
    answers = {
        "KITCHEN_GATEWAY_SPEC": peer.spec,
        "KITCHEN_GATEWAY_STORED": peer.stored,
        "KITCHEN_GATEWAY_ON_CMD": peer.on_cmd,
    }
    code = compile(tree, str(script), "exec")
    exec(code, {"__name__": "__main__", "__file__": str(script), **answers})  # noqa: S102


if __name__ == "__main__":
    main()
