# Sourced by scripts that compile the kernels: what build.txt says. `kernels` is the path of the folder that holds it.

# The words behind a name in build.txt.
build_words() { sed -n "s/^$1: *//p" "$kernels/build.txt"; }

# Flags of all sources.
kernel_flags() {
    build_words flags
    for folder in $(build_words folders); do printf '%s ' "-I$kernels/$folder"; done
}

# Sources for a processor, x86_64 or aarch64, without those of programs.
kernel_sources() {
    for folder in $(build_words folders); do
        for source in "$kernels/$folder"/*.cpp; do
            name=$(basename "$source" .cpp)
            case $name in *_main) continue ;; esac
            if grep -q "^level $name " "$kernels/build.txt" && ! grep -q "^level $name $1:" "$kernels/build.txt"; then continue; fi
            echo "$source"
        done
    done
}

# Flags of one source on top.
level_flags() { build_words "level $(basename "$1" .cpp) [a-z0-9_]*"; }

# The processor that a compiler makes code for.
processor_of() {
    case $($1 -dumpmachine) in
        aarch64* | arm64*) echo aarch64 ;;
        wasm32*) echo wasm32 ;;
        *) echo x86_64 ;;
    esac
}
