#!/usr/bin/env bash
# Rebuilds the JavaScript guest runtime, ../runtime.wasm, from its sources.
#
#   build.sh         builds it
#   build.sh lock    records the newest packages and crates that requirements.in and make-guest/Cargo.toml allow
#
# Needs Python 3.11 and cargo, nothing else: the C compiler (ziglang) and the interpreter that takes the snapshot
# (wasmtime) are Python packages, the source of QuickJS comes with a crate. Tools and caches go to $OBELISK_DATA_DIR/build.
# The same sources give the same bytes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../../.." && pwd)
build=$(cd "$root" && realpath -m "${OBELISK_DATA_DIR:-var}")/build/javascript
python=${PYTHON:-python3}
tools=$build/venv/bin

# Not rustup's compiler, unless the caller says so.
export RUSTC=${RUSTC:-/usr/bin/rustc} CARGO_TARGET_DIR=$build/cargo

# A lock file names the registry's address in each entry. Cargo.lock.in leaves it out, and here it is filled in again
# with what cargo itself writes for a fresh one.
fill_in_lock() {
    [ -e Cargo.lock ] || cargo generate-lockfile --quiet
    local registry
    registry=$(grep -m 1 '^source = ' Cargo.lock)
    awk -v registry="$registry" '/^checksum = / { print registry } { print }' Cargo.lock.in >Cargo.lock.new
    mv Cargo.lock.new Cargo.lock
}

record_locks() {
    cd "$here/make-guest"
    cargo update --quiet
    grep -v '^source = ' Cargo.lock >Cargo.lock.in
    "$root/.venv/bin/python" -m uv pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --output-file "$here/requirements.txt" "$here/requirements.in"
}

build_runtime() {
    mkdir -p "$build"
    [ -x "$tools/python" ] || "$python" -m venv "$build/venv"
    "$tools/python" -m pip install --quiet --require-hashes --requirement "$here/requirements.txt"
    cd "$here/make-guest"
    fill_in_lock
    cargo build --locked --quiet --release
    cargo vendor --locked --quiet --versioned-dirs "$build/crates" >/dev/null
    compile "$build"/crates/rquickjs-sys-*/quickjs
    "$tools/python" "$here/snapshot.py" "$build/guest.wasm" "$build/prepared.wasm"
    "$CARGO_TARGET_DIR/release/make-guest" "$build/prepared.wasm" "$root/engine/guests/wit" "$here/../runtime.wasm"
    # What it was built from, and what came out; a test compares both with what is there.
    (cd "$here" && sha256sum build.sh embed.py guest.c prelude/*.js requirements.txt snapshot.py ../../wit/world.wit ../runtime.wasm \
        make-guest/Cargo.lock.in make-guest/Cargo.toml make-guest/src/main.rs) >"$here/../runtime.sources"
    echo "$(wc -c <"$here/../runtime.wasm") bytes: engine/guests/javascript/runtime.wasm"
}

# compile QUICKJS
compile() {
    "$tools/python" "$here/embed.py" "$here/prelude" "$build/prelude.h"
    # The shadow stack is part of every instance's memory; guest.c says how much of it JavaScript may use.
    "$tools/python" -m ziglang cc -target wasm32-wasi -mexec-model=reactor -O2 -DNDEBUG -D_GNU_SOURCE -w -s \
        -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -I"$1" -I"$build" -Wl,-z,stack-size=524288 \
        "$here/guest.c" "$1/libregexp.c" "$1/libunicode.c" "$1/dtoa.c" -o "$build/guest.wasm"
}

case ${1:-} in
'') build_runtime ;;
lock) record_locks ;;
*)
    echo "build.sh: unknown argument '$1'; leave it out to build, or give lock." >&2
    exit 1
    ;;
esac
