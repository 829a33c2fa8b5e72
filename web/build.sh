#!/bin/sh
# Compiles the decoder to WebAssembly: FOLDER/hpcm.wasm, FOLDER/hpcm-fma.wasm with relaxed SIMD's multiply-add, and where that is asked
# for both with threads, hpcm-threads.wasm and hpcm-fma-threads.wasm.
# usage: build.sh FOLDER PYTHON [PROCESSES [threads]]    PYTHON has the package ziglang, whose Clang and C++ library are used.
set -eu
target=$1 python=$2 processes=${3:-1} threads=${4:-}
web=$(dirname "$0")
kernels=$web/../kernels
. "$kernels/tools/build.sh"
library=$("$python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "lib"))')
cxx="$python -m ziglang c++" cc="$python -m ziglang cc"
# What every browser with fixed vectors and exceptions has. The C++ library is built by the first link with the same flags.
features=generic+simd128+exception_handling+bulk_memory+sign_ext+nontrapping_fptoint+mutable_globals+multivalue
memory=4294901760

# The words of build.txt without those for threads, and no names of types, which nothing asks for.
flags="$(kernel_flags | sed 's/-pthread//') -fno-rtti"

# The parts of the C++ library that throw: it is made without them for WebAssembly. An object of these comes before all that asks for
# what is in it, or the linker takes the library's own, and finds two.
exceptions="fallback_malloc cxa_exception cxa_personality"
throwing="-std=c++23 -O2 -w -D_LIBCPP_BUILDING_LIBRARY -D_LIBCPP_ENABLE_CXX17_REMOVED_UNEXPECTED_FUNCTIONS"
throwing="$throwing -D_LIBCXXABI_HAS_NO_THREADS -D_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS -I$library/libcxxabi/include -I$library/libcxxabi/src -I$library/libcxx/src"

# What is not a loop over samples or bytes runs once a file or once a node: small rather than quick.
optimisation() {
    case $(basename "$1" .cpp) in
        coder | crc32 | exact_* | inflate | pixels | rans | sha256 | squares | strip | trellis | wavelet) echo -O2 ;;
        *) echo -Oz ;;
    esac
}

# The machine with some features on top.
machine() { echo "-target wasm32-wasi -mcpu=$features$1 -fwasm-exceptions -mllvm -wasm-enable-eh"; }

# commands SUFFIX FEATURES FLAGS: what compiles a module's sources, into objects; of those in fma/ one is linked, those in first/ come first.
commands() {
    objects=$target/objects$1
    mkdir -p "$objects/fma" "$objects/first"
    for name in $exceptions; do
        echo $cxx "$(machine "$2")" $throwing $3 "-I$library/libunwind/include -c $library/libcxxabi/src/$name.cpp -o $objects/first/$name.o"
    done
    echo $cc "$(machine "$2")" -O2 -w -D_LIBUNWIND_HIDE_SYMBOLS "-I$library/libunwind/include -c $library/libunwind/src/Unwind-wasm.c -o $objects/unwind.o"
    for source in $(kernel_sources wasm32) "$web"/native/*.cpp ${1:+"$web"/native/threads/*.cpp}; do
        name=$(basename "$source" .cpp)
        case $source in
            */simd_scalar.cpp | */selftest*.cpp | */core/thread_pool.cpp) ;;
            */simd_wasm.cpp)
                echo $cxx "$(machine "$2")" $flags $3 -O3 "-c $source -o $objects/fma/plain.o"
                echo $cxx "$(machine "$2+relaxed_simd")" $flags $3 -O3 "-c $source -o $objects/fma/relaxed.o"
                ;;
            */native/thread_pool.cpp) test -n "$1" || echo $cxx "$(machine "$2")" $flags $3 -Oz "-c $source -o $objects/$name.o" ;;
            */native/threads/libraries.cpp) echo $cxx "$(machine "$2")" $flags -Oz "-c $source -o $objects/first/$name.o" ;;
            */native/runtime.cpp) echo $cxx "$(machine "$2")" $flags $3 -Oz "-c $source -o $objects/first/$name.o" ;;
            *) echo $cxx "$(machine "$2")" $flags $3 "$(optimisation "$source")" "-c $source -o $objects/$name.o" ;;
        esac
    done
}

# Of such commands those whose object is older than its source, a header, this script or the compiler.
outdated() {
    while read -r command; do
        object=${command##* -o } source=${command##* -c }
        source=${source% -o *}
        newer=$(find "$kernels" "$web/native" "$web/build.sh" "$library/../zig" \( -name '*.h' -o -name build.txt -o -name build.sh -o -name zig \
            -o -path "$source" \) -newer "$object" 2> /dev/null | head -n 1)
        [ -f "$object" ] && [ -z "$newer" ] || echo "$command"
    done
}

# link SUFFIX FEATURES FIRST WORDS: both modules of what `commands` makes, not of what sources that are gone have left; FIRST: names of
# those in first/, in their order.
link() {
    objects=$target/objects$1
    common=$(commands "$1" "$2" "" | sed -n "s|.* -o \($objects/[^/]*\.o\)\$|\1|p")
    for kind in plain:hpcm relaxed:hpcm-fma; do
        $cxx $(machine "$2") -O2 -s -mexec-model=reactor $(printf "$objects/first/%s.o " $3) $common "$objects/fma/${kind%:*}.o" \
            -Wl,-z,stack-size=1048576 -Wl,--max-memory=$memory $4 -o "$target/${kind#*:}$1.wasm"
    done
}

# A thread is an instance of its own on the same memory, which src/threads.js gives a stack and its variables.
shared="-Wl,--shared-memory,--import-memory,--initial-memory=4194304"
for name in __stack_pointer __wasm_init_tls __tls_size __tls_align; do shared="$shared -Wl,--export=$name"; done
# The C library's memory is for one thread: native/threads/libraries.cpp locks it.
locked=$(printf ' -D%s' malloc=locked_malloc calloc=locked_calloc realloc=locked_realloc aligned_alloc=locked_aligned_alloc \
    posix_memalign=locked_posix_memalign free=locked_free)

{
    commands "" "" ""
    test -z "$threads" || commands -threads +atomics "$locked"
} | outdated | xargs -r -P "$processes" -d '\n' -n 1 sh -c
link "" "" "$exceptions runtime" ""
test -z "$threads" || link -threads +atomics "libraries $exceptions runtime" "$shared"
