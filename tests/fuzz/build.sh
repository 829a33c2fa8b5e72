#!/bin/sh
# Builds programs over the kernels and the decoder with the sanitizers of clang, into build/sanitize/SANITIZERS/NAME.run. Those named
# fuzz_* are fuzzers. A program may replace a function of the library by one of its own. Debian: apt install clang libclang-rt-14-dev
# usage: build.sh SANITIZERS NAME...     e.g. build.sh address,undefined fuzz_rans hpcmdec_main     $JOBS: how many at once
set -eu
cd "$(dirname "$0")/../.."
sanitizers=$1
shift
cxx=${CLANGXX:-clang++}
kernels=kernels
. kernels/tools/build.sh
flags="$(kernel_flags) -O2 -g -fno-omit-frame-pointer -fsanitize=$sanitizers -fno-sanitize-recover=all"
case $sanitizers in *address*) coverage=-fsanitize=fuzzer-no-link ;; *) coverage= ;; esac
dir=build/sanitize/$(echo "$sanitizers" | tr ',' '-')
mkdir -p "$dir"
for source in $(kernel_sources "$(processor_of "$cxx")"); do
    object=$dir/$(basename "$source" .cpp).o
    newer=$(find kernels \( -name '*.h' -o -name build.txt -o -path "$source" \) -newer "$object" 2> /dev/null | head -n 1)
    [ -f "$object" ] && [ -z "$newer" ] && continue
    own=$coverage
    case $source in
        *avx512*) grep -qs avx512f /proc/cpuinfo && own= || own=-fno-sanitize=all ;;  # takes minutes: not where it never runs
        */simd_*) own= ;;  # no input is told from another there, and counting the kernels' loops took half of the time
        # Where bytes are read, what they are compared with leads to new inputs; elsewhere following it took a quarter of the time.
        */container.cpp | */header.cpp | */exif.cpp | */inflate.cpp | */json.cpp | */model_file.cpp | */exact_*) ;;
        *) own="$coverage${coverage:+ -fno-sanitize-coverage=trace-cmp}" ;;
    esac
    echo $cxx $flags $own $(level_flags "$source") -c "$source" -o "$object"
done | xargs -r -P "${JOBS:-1}" -d '\n' -n 1 sh -c
rm -f "$dir/kernels.a"
ar rcs "$dir/kernels.a" "$dir"/*.o
for name in "$@"; do
    source=tests/fuzz/$name.cpp kind=
    [ -f "$source" ] || source=kernels/tools/$name.cpp
    case $name in fuzz_*) kind=-fsanitize=fuzzer ;; esac
    $cxx $flags $kind "$source" "$dir/kernels.a" -o "$dir/$name.run"
done
