#!/bin/sh
# Compiles the decoder to WebAssembly: FOLDER/hpcm.wasm, and FOLDER/hpcm-fma.wasm with relaxed SIMD's multiply-add.
# usage: build.sh FOLDER PYTHON [PROCESSES]    PYTHON has the package ziglang, whose Clang and C++ library are used.
set -eu
target=$1 python=$2 processes=${3:-1}
web=$(dirname "$0")
kernels=$web/../kernels
. "$kernels/tools/build.sh"
library=$("$python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "lib"))')
cxx="$python -m ziglang c++" cc="$python -m ziglang cc"
# What every browser with fixed vectors and exceptions has. The C++ library is built by the first link with the same flags.
features=generic+simd128+exception_handling+bulk_memory+sign_ext+nontrapping_fptoint+mutable_globals+multivalue
machine="-target wasm32-wasi -mcpu=$features -fwasm-exceptions -mllvm -wasm-enable-eh"
objects=$target/objects
mkdir -p "$objects/fma"

# The words of build.txt without those for threads.
flags="$(kernel_flags | sed 's/-pthread//') -DHPCM_SINGLE_THREAD"

# The parts of the C++ library that throw: it is made without them for WebAssembly.
throwing="-std=c++23 -O2 -w -D_LIBCPP_BUILDING_LIBRARY -D_LIBCPP_ENABLE_CXX17_REMOVED_UNEXPECTED_FUNCTIONS -D_LIBCXXABI_HAS_NO_THREADS"
throwing="$throwing -D_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS -I$library/libcxxabi/include -I$library/libcxxabi/src -I$library/libcxx/src"

# What is not a loop over samples or bytes runs once a file or once a node: small rather than quick.
optimisation() {
    case $(basename "$1" .cpp) in
        coder | crc32 | exact_* | inflate | pixels | rans | sha256 | squares | strip | trellis | wavelet) echo -O2 ;;
        *) echo -Oz ;;
    esac
}

commands() {
    for name in cxa_exception cxa_personality; do
        echo $cxx $machine $throwing "-I$library/libunwind/include -c $library/libcxxabi/src/$name.cpp -o $objects/$name.o"
    done
    echo $cc $machine -O2 -w -D_LIBUNWIND_HIDE_SYMBOLS "-I$library/libunwind/include -c $library/libunwind/src/Unwind-wasm.c -o $objects/unwind.o"
    for source in $(kernel_sources wasm32) "$web"/native/*.cpp; do
        name=$(basename "$source" .cpp)
        case $source in
            */simd_scalar.cpp | */tools/selftest* | */core/thread_pool.cpp) continue ;;
            */simd_wasm.cpp)
                echo $cxx $machine $flags -O3 "-c $source -o $objects/fma/plain.o"
                echo $cxx "$(echo "$machine" | sed "s/$features/&+relaxed_simd/")" $flags -O3 "-c $source -o $objects/fma/relaxed.o"
                ;;
            *) echo $cxx $machine $flags "$(optimisation "$source")" "-c $source -o $objects/$name.o" ;;
        esac
    done
}

# link KIND WASM
link() {
    $cxx $machine -O2 -s -mexec-model=reactor "$objects"/*.o "$objects/fma/$1.o" -Wl,-z,stack-size=1048576 -Wl,--max-memory=4294901760 -o "$2"
}

commands | xargs -P "$processes" -d '\n' -n 1 sh -c
link plain "$target/hpcm.wasm"
link relaxed "$target/hpcm-fma.wasm"
