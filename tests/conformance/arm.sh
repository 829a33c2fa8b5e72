#!/bin/sh
# Decodes the conformance files with the package itself built for AArch64, in an emulator, at every level that it has there.
# Debian: apt install g++-aarch64-linux-gnu qemu-user. Python for AArch64 comes from Debian, unpacked and not installed,
# its packages from PyPI. usage: arm.sh BUILD_DIR COMPILER RUNNER [PYTHON of this machine, with pip]
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "$1"
dir=$(cd "$1" && pwd) cxx=$2 runner=$3 python=${4:-python3}
root=$dir/root site=$dir/site package=$dir/package
release=bookworm version=3.11

if [ ! -x "$root/usr/bin/python$version" ]; then
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/debs" "$root"
    : > "$dir/apt/status"
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$key] http://deb.debian.org/debian $release main" > "$dir/apt/sources.list"
    # An apt of its own that knows only this processor, so that the machine's stays as it is.
    cat > "$dir/apt/conf" <<END
APT::Architecture "arm64"; APT::Architectures { "arm64"; };
Dir::State "$dir/apt"; Dir::State::status "$dir/apt/status"; Dir::Cache "$dir/apt";
Dir::Etc::sourcelist "$dir/apt/sources.list"; Dir::Etc::sourceparts "/dev/null"; APT::Sandbox::User "root";
END
    export APT_CONFIG="$dir/apt/conf"
    apt-get -qq update
    (cd "$dir/debs" && apt-get -qq download libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libssl3 libffi8 liblzma5 libbz2-1.0 \
        "libpython$version-minimal" "python$version-minimal" "libpython$version-stdlib" "libpython$version-dev")
    for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
fi

[ -d "$site/numpy" ] || "$python" -m pip install --quiet --disable-pip-version-check --no-compile --target "$site" \
    --only-binary :all: --python-version "$version" --implementation cp --platform manylinux2014_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
    click msgpack numpy pillow platformdirs rich safetensors
[ -d "$dir/tools/pybind11" ] || "$python" -m pip install --quiet --disable-pip-version-check --target "$dir/tools" pybind11

mkdir -p "$package/hpcmcodec/kernels" "$dir/objects"
for part in hpcmcodec/* cli formats; do ln -sfn "$PWD/$part" "$package/hpcmcodec/${part##*/}"; done
for part in kernels/*.py kernels/*.json; do ln -sfn "$PWD/$part" "$package/hpcmcodec/$part"; done
kernels=kernels
. kernels/tools/build.sh
flags="$(kernel_flags) -O2 -fPIC -Ikernels/bindings"
flags="$flags -I$dir/tools/pybind11/include -I$root/usr/include/python$version -I$root/usr/include"
for source in $(kernel_sources aarch64) kernels/bindings/*.cpp; do
    object=$dir/objects/$(basename "$source" .cpp).o
    [ -f "$object" ] && [ -z "$(find kernels -newer "$object")" ] && continue
    $cxx $flags $(level_flags "$source") -c "$source" -o "$object"
done
$cxx -shared -pthread "$dir"/objects/*.o -o "$package/hpcmcodec/kernels/_native.cpython-${version%.*}${version#*.}-aarch64-linux-gnu.so"

# Models for the variants that the package does not ship; what they are does not depend on the machine.
"$python" tests/conformance/variants/variants.py --models "$dir/models"
env -i PATH=/usr/bin:/bin PYTHONPATH="$package:$site" HPCM_MODELS="$dir/models" \
    "$runner" -L "$root" "$root/usr/bin/python$version" -P -B tests/conformance/check.py tests/conformance/variants tests/conformance
