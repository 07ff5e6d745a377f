#!/usr/bin/env bash
# Rebuilds the components of examples/ and of tests/components/ from their sources.
#
#   build.sh [rust] [js] [python]   builds these, or all three
#   build.sh lock                   takes the newest crates that Cargo.toml allows, and records them
#
# Tools and caches go to $OBELISK_DATA_DIR/build (default var/build). The Python component, too big to be committed, goes
# to $OBELISK_DATA_DIR/examples.
set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$examples")
data=$(cd "$root" && realpath -m "${OBELISK_DATA_DIR:-var}")
tests=$root/tests/components

# Not rustup's compiler, unless the caller says so: it needs the source of the standard library, which is compiled along.
export RUSTC=${RUSTC:-/usr/bin/rustc}
export CARGO_TARGET_DIR=$data/build/cargo
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS # they would win over the flags below
wasm_ld=${WASM_LD:-wasm-ld-19}
python=${PYTHON:-python3}

fail() {
    echo "build.sh: $1" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing: $2."
}

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
    need cargo "install Rust's cargo, 1.85 or newer"
    local workspace
    for workspace in "$examples" "$tests"; do
        cd "$workspace"
        cargo update
        grep -v '^source = ' Cargo.lock >Cargo.lock.in
    done
}

build_rust() {
    need cargo "install Rust's cargo, 1.85 or newer"
    need "$RUSTC" "on Debian install rustc-web, or set RUSTC"
    need "$wasm_ld" "on Debian install lld-19, or set WASM_LD to a wasm-ld"
    [ -d "$("$RUSTC" --print sysroot)/lib/rustlib/src/rust/library" ] ||
        fail "the source of Rust's standard library is missing beside $RUSTC: on Debian install rust-web-src."
    build_workspace "$examples" release fibo fibo-workflow
    build_workspace "$tests" release probe stepper stubs courier stubbed doorman
    build_workspace "$tests" lines climber
}

# build_workspace FOLDER PROFILE PACKAGE...
build_workspace() {
    cd "$1"
    fill_in_lock
    # A guest has no place to show a panic's message, so a panic is a trap and nothing else. The stack is small because
    # it is part of every instance's memory, one page here.
    local flags="-Clinker-flavor=wasm-ld -Cpanic=immediate-abort -Zunstable-options -Zlocation-detail=none"
    flags+=" -Clink-arg=-zstack-size=32768"
    # Source lines are told with paths, which are to be the same wherever it is built.
    [ "$2" = release ] ||
        flags+=" --remap-path-prefix=$1= --remap-path-prefix=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust=rust"
    local name
    for name in "${@:3}"; do
        RUSTC_BOOTSTRAP=1 \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$wasm_ld \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$flags \
            cargo build --locked --quiet --profile "$2" --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort \
            --package "$name"
        (cd "$examples" && cargo run --locked --quiet --package make-component -- \
            "$CARGO_TARGET_DIR/wasm32-unknown-unknown/$2/${name//-/_}.wasm" "$1/$name/$name.wasm")
        report "$1/$name/$name.wasm"
    done
}

build_js() {
    cd "$examples"
    need npm "install Node.js 18 or newer"
    local tool=$data/build/js
    mkdir -p "$tool"
    cp js/package.json js/package-lock.json "$tool"
    npm ci --prefix "$tool" --loglevel error >/dev/null
    # Synchronous and without WASI: the component imports nothing, so the engine knows that it is pure.
    "$tool/node_modules/.bin/componentize-qjs" --sync --stub-wasi --opt-size \
        --wit js/wit --js js/text.js --output js/text.wasm >/dev/null
    report "$examples/js/text.wasm"
}

build_python() {
    cd "$examples"
    need "$python" "install Python 3.11 or newer, or set PYTHON"
    local tool=$data/build/python target=$data/examples
    mkdir -p "$target" "$tool"
    [ -x "$tool/venv/bin/python" ] || "$python" -m venv "$tool/venv"
    "$tool/venv/bin/python" -m pip install --quiet --require-hashes --requirement python/requirements.txt
    # Built from a copy: the builder leaves byte code beside the sources.
    cp python/text.py "$tool"
    "$tool/venv/bin/componentize-py" --quiet --wit-path python/wit --world whisperer \
        componentize --stub-wasi --python-path "$tool" --output "$target/text.wasm" text
    cp python/deployment.toml "$target"
    report "$target/text.wasm"
}

report() {
    echo "$(wc -c <"$1") bytes: ${1#"$root/"}"
}

[ $# -gt 0 ] || set -- rust js python
for part in "$@"; do
    case $part in
    rust | js | python) "build_$part" ;;
    lock) record_locks ;;
    *) fail "unknown part '$part': give rust, js, python or lock." ;;
    esac
done
