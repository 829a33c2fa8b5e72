#!/bin/sh
# Builds a program of tests/fuzz over the kernels with the sanitizers of clang. Debian: apt install clang libclang-rt-14-dev
# usage: build.sh SANITIZERS NAME...   e.g. build.sh fuzzer,address,undefined fuzz_rans -> build/sanitize/fuzzer-address-undefined/fuzz_rans.run
set -eu
cd "$(dirname "$0")/../.."
sanitizers=$1
shift
cxx=${CLANGXX:-clang++}
kernels=kernels
. kernels/tools/build.sh
flags="$(kernel_flags) -O2 -g -fno-omit-frame-pointer -fsanitize=$sanitizers -fno-sanitize-recover=all"
dir=build/sanitize/$(echo "$sanitizers" | tr ',' '-')
mkdir -p "$dir"
for source in $(kernel_sources "$(processor_of "$cxx")"); do
    object=$dir/$(basename "$source" .cpp).o
    newer=$(find kernels -newer "$object" 2>/dev/null | head -n 1 || true)
    [ -f "$object" ] && [ -z "$newer" ] && continue
    case $sanitizers in *fuzzer*) coverage=-fsanitize=fuzzer-no-link ;; *) coverage= ;; esac
    $cxx $(echo "$flags" | sed 's/fuzzer,//') $coverage $(level_flags "$source") -c "$source" -o "$object"
done
for name in "$@"; do
    source=tests/fuzz/$name.cpp
    [ -f "$source" ] || source=kernels/tools/$name.cpp
    $cxx $flags "$source" "$dir"/*.o -o "$dir/$name.run"
done
