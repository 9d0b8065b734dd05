#!/bin/sh
# Runs pytest once more under the other Python this project is for, in an environment of its own:
# of 3.11 and 3.13 the one that .venv was not made with, from the PATH or as ALSO=/path/to/python
# says. Where there is none that is said, loudly, and is no failure.
set -eu
cd "$(dirname "$0")/.."
version='import sys; print("%d.%d" % sys.version_info[:2])'

ours=$(.venv/bin/python -c "$version")
case $ours in
3.13) other=3.11 ;;
*) other=3.13 ;;
esac
python=${ALSO:-python$other}
found=$("$python" -c "$version" 2>/dev/null) || found=none
if [ "$found" != "$other" ]; then
    [ -z "${ALSO:-}" ] || { echo "also: $ALSO is not Python $other" >&2; exit 2; }
    echo "================================== NOT RUN =================================="
    echo "python$other is missing: the tests ran under Python $ours alone. Where it is not"
    echo "on the PATH:  make test-long ALSO=/path/to/python$other"
    exit 0
fi
echo "also: the tests under Python $other"
PYTHON=$python VENV=.venv-$other scripts/setup.sh dev
exec ".venv-$other/bin/python" -m pytest "$@"
