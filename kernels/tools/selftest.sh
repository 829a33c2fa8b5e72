#!/bin/sh
# Builds the kernels' self-test without Python and runs it, for the processor of this machine or another.
# usage: selftest.sh BUILD_DIR COMPILER [RUNNER...]    e.g. selftest.sh build/arm aarch64-linux-gnu-g++ qemu-aarch64
# With HPCM_EMULATE_AVX512 set, the AVX-512 level is built from AVX2 instructions (avx512_emulation.h).
set -eu
dir=$1 cxx=$2
shift 2
here=$(dirname "$0")
flags="-std=c++17 -O2 -ffp-contract=off -pthread -Wall -Wextra -Werror"
for folder in core entropy levels ops tools; do flags="$flags -I$here/../$folder"; done
avx512="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c"
if [ -n "${HPCM_EMULATE_AVX512:-}" ]; then
    flags="$flags -DHPCM_EMULATE_AVX512 -I$here"
    avx512="-mavx2 -mfma -mf16c"
fi
case $($cxx -dumpmachine) in
    aarch64*) skip='simd_avx' ;;
    *) skip='simd_neon' ;;
esac
mkdir -p "$dir"
for source in "$here"/../core/*.cpp "$here"/../entropy/*.cpp "$here"/../levels/*.cpp "$here"/../ops/*.cpp "$here"/selftest*.cpp; do
    name=$(basename "$source" .cpp)
    case $name in
        "$skip"*) continue ;;
        simd_avx2) level="-mavx2 -mfma -mf16c" ;;
        simd_avx512) level=$avx512 ;;
        *) level= ;;
    esac
    $cxx $flags $level -c "$source" -o "$dir/$name.o"
done
$cxx -static -pthread "$dir"/*.o -o "$dir/selftest"
"$@" "$dir/selftest"
