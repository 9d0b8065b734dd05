#!/bin/sh
# Writes requirements/*.lock from setup.cfg: `locks.sh` changes as little as it can,
# `locks.sh --upgrade` takes the newest versions that setup.cfg allows.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-locks
[ -x "$venv/bin/uv" ] || { "${PYTHON:-python3}" -m venv --clear "$venv" && "$venv/bin/pip" install -q uv; }

lock() {
    file=requirements/$1.lock
    shift
    # Two versions of one package, one for each Python, would be two products: take the fewest.
    "$venv/bin/uv" pip compile setup.cfg --quiet --universal --python-version 3.11 \
        --fork-strategy fewest --generate-hashes --no-header --no-annotate "$@" -o "$file.new"
    { echo "# Made by \`make locks\` from setup.cfg; see requirements/README.md."; cat "$file.new"; } >"$file"
    rm "$file.new"
}

for name in run dev; do [ ! -f "requirements/$name.lock" ] || cp "requirements/$name.lock" "requirements/$name.lock.new"; done
lock run --extra build --extra demo "$@"
lock dev --extra build --extra demo --extra train --extra dev "$@"
