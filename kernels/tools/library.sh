#!/bin/sh
# Builds libhpcm, static and shared, the program hpcmdec and a file for pkg-config; needs no Python.
# usage: library.sh FOLDER COMPILER [PROCESSES]    FOLDER gets include, lib and bin, and may be moved or copied elsewhere. $AR: the archiver.
set -eu
target=$1 cxx=$2 processes=${3:-1}
kernels=$(dirname "$0")/..
. "$kernels/tools/build.sh"
objects=$target/objects
mkdir -p "$objects" "$target/include" "$target/lib/pkgconfig" "$target/bin"
flags="$(kernel_flags) -O3 -fPIC"

for source in $(kernel_sources "$(processor_of "$cxx")"); do
    name=$(basename "$source" .cpp)
    case $name in selftest*) continue ;; esac
    echo $cxx $flags $(level_flags "$source") "-c $source -o $objects/$name.o"
done | xargs -P "$processes" -d '\n' -n 1 sh -c

rm -f "$target/lib/libhpcm.a"
${AR:-ar} rcs "$target/lib/libhpcm.a" "$objects"/*.o
$cxx -shared -pthread "$objects"/*.o -o "$target/lib/libhpcm.so"
cp "$kernels/core/hpcm.h" "$target/include/"
$cxx -std=c++17 -O2 -I"$target/include" "$kernels/tools/hpcmdec_main.cpp" "$target/lib/libhpcm.a" -pthread -o "$target/bin/hpcmdec"
cat > "$target/lib/pkgconfig/hpcm.pc" <<END
prefix=\${pcfiledir}/../..
Name: hpcm
Description: Decoder of .hpc pictures, the same bits on every machine
Version: $(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$kernels/../hpcmcodec/__init__.py" 2> /dev/null || true)
Cflags: -I\${prefix}/include
Libs: -L\${prefix}/lib -lhpcm
Libs.private: -lstdc++ -lm -pthread
END
rm -r "$objects"
