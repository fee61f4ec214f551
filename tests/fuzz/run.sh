#!/bin/bash
# Builds the libFuzzer targets with Clang, AddressSanitizer and UndefinedBehaviorSanitizer, and runs each.
#   tests/fuzz/run.sh [SECONDS per target, default 60] [TARGET ...]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
compiler=$(command -v clang++-14 || command -v clang++) || { echo "clang++ is needed: apt-get install clang-14" >&2; exit 1; }
build=build-fuzz
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER="$compiler" \
  -DTANDEM_TORCH=OFF -DTANDEM_SANITIZE=address -DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link >/dev/null
ninja -C "$build" fuzz
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(cd "$build/fuzz" && ls -1 fuzz_*)
for target in "${targets[@]}"; do
  name=${target#fuzz_}
  mkdir -p "$build/found/$name"
  "$build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$build/found/$name-" "$build/found/$name" "tests/fuzz/corpus/$name"
done
