#!/bin/sh
# Builds a program of tests/fuzz over the kernels with the sanitizers of clang. Debian: apt install clang libclang-rt-14-dev
# usage: build.sh SANITIZERS NAME...   e.g. build.sh fuzzer,address,undefined fuzz_rans -> build/sanitize/fuzzer-address-undefined/fuzz_rans.run
set -eu
cd "$(dirname "$0")/../.."
sanitizers=$1
shift
cxx=${CLANGXX:-clang++}
flags="-std=c++17 -O2 -g -fno-omit-frame-pointer -ffp-contract=off -pthread -Wall -Wextra -Werror"
for folder in core entropy levels ops tools; do flags="$flags -Ikernels/$folder"; done
flags="$flags -fsanitize=$sanitizers -fno-sanitize-recover=all"
dir=build/sanitize/$(echo "$sanitizers" | tr ',' '-')
mkdir -p "$dir"
case $(uname -m) in x86_64) skip='simd_neon' ;; *) skip='simd_avx' ;; esac
for source in kernels/core/*.cpp kernels/entropy/*.cpp kernels/levels/*.cpp kernels/ops/*.cpp kernels/tools/selftest.cpp; do
    name=$(basename "$source" .cpp)
    case $name in
        "$skip"*) continue ;;
        simd_avx2) level="-mavx2 -mfma -mf16c" ;;
        simd_avx512) level="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c" ;;
        *) level= ;;
    esac
    object=$dir/$name.o
    newer=$(find kernels -newer "$object" 2>/dev/null | head -n 1 || true)
    [ -f "$object" ] && [ -z "$newer" ] && continue
    case $sanitizers in *fuzzer*) coverage=-fsanitize=fuzzer-no-link ;; *) coverage= ;; esac
    $cxx $(echo "$flags" | sed 's/fuzzer,//') $coverage $level -c "$source" -o "$object"
done
for name in "$@"; do
    source=tests/fuzz/$name.cpp
    [ -f "$source" ] || source=kernels/tools/$name.cpp
    $cxx $flags "$source" "$dir"/*.o -o "$dir/$name.run"
done
