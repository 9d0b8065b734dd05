"""`python -m bench [SECTION ...] [--quick]`: what the product costs, beside its floor and bar."""

import argparse
import importlib
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import report
from bench.setting import Setting

SECTIONS = (
    "pipeline",
    "rules",
    "size",
    "history",
    "trial",
    "flash",
    "cold_start",
    "memory",
    "latency",
    "login",
    "web",
    "page",
    "peers",
)


def main() -> int:
    """Exit code 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "section", nargs="*", help=f"any of: {' '.join(SECTIONS)}; without one all of them"
    )
    parser.add_argument("--quick", action="store_true", help="a rough answer in half the time")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.section if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are: {' '.join(SECTIONS)}")
    facts = report.machine()
    report.print_machine(facts)
    sections: dict[str, report.Section] = {}
    for name in chosen.section or SECTIONS:
        began = time.perf_counter()
        with TemporaryDirectory(prefix="kitchen-bench-") as folder:
            setting = Setting(folder=Path(folder), quick=chosen.quick)
            found: report.Section = importlib.import_module(f"bench.{name}").run(setting)
        sections[name] = found
        report.print_section(f"{name} ({time.perf_counter() - began:.0f} s)", found)
    print(f"\nwritten to {report.save(facts, sections).relative_to(report.ROOT)}")
    verdicts = [figure.verdict for found in sections.values() for figure in found.figures]
    print(", ".join(f"{verdicts.count(word)} {word}" for word in ("ok", "MISSED", "NOT RUN")))
    return 1 if "MISSED" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
