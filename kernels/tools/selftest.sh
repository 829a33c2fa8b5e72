#!/bin/sh
# Builds the kernels' self-test without Python and runs it, for the processor of this machine or another; and hpcmdec beside it.
# usage: selftest.sh BUILD_DIR COMPILER [RUNNER...]    e.g. selftest.sh build/arm aarch64-linux-gnu-g++ qemu-aarch64
# With HPCM_EMULATE_AVX512 set, the AVX-512 level is built from AVX2 instructions (avx512_emulation.h).
set -eu
dir=$1 cxx=$2
shift 2
kernels=$(dirname "$0")/..
. "$kernels/tools/build.sh"
flags="$(kernel_flags) ${OPT:--O2}"
avx512=$(level_flags simd_avx512)
if [ -n "${HPCM_EMULATE_AVX512:-}" ]; then
    flags="$flags -DHPCM_EMULATE_AVX512"
    avx512=$(level_flags simd_avx2)
fi
mkdir -p "$dir"
for source in $(kernel_sources "$(processor_of "$cxx")") "$kernels/tools/selftest_main.cpp" "$kernels/tools/hpcmdec_main.cpp"; do
    name=$(basename "$source" .cpp)
    case $name in
        simd_avx512) level=$avx512 ;;
        *) level=$(level_flags "$source") ;;
    esac
    $cxx $flags $level -c "$source" -o "$dir/$name.o"
done
for program in selftest hpcmdec; do
    objects=
    for object in "$dir"/*.o; do
        case $object in *_main.o) ;; *) objects="$objects $object" ;; esac
    done
    $cxx -static -pthread $objects "$dir/${program}_main.o" -o "$dir/$program"
done
"$@" "$dir/selftest"
