#!/usr/bin/env bash
# Installs the missing ones of the Debian packages that gmdiff needs.
#   scripts/setup.sh         to build the library and the command
#   scripts/setup.sh test    also what scripts/test.sh runs
set -euo pipefail

# package:probe, where the probe is a command or a header of /usr/include.
build_packages=(g++:g++ cmake:cmake ninja-build:ninja pkg-config:pkg-config libeigen3-dev:eigen3/Eigen/Core
  librandom123-dev:Random123/philox.h nlohmann-json3-dev:nlohmann/json.hpp libcli11-dev:CLI/CLI.hpp zlib1g-dev:zlib.h
  liblbfgs-dev:lbfgs.h libdlpack-dev:dlpack/dlpack.h)
test_packages=(libgtest-dev:gtest/gtest.h libbenchmark-dev:benchmark/benchmark.h clang:clang++ clang-tidy:clang-tidy
  clang-format:clang-format libclang-rt-dev: python3:python3 python3-dev: python3-venv: python3-numpy: strace:strace util-linux:taskset
  doxygen:doxygen libxml2-utils:xmllint)

present() {  # package probe
  [[ -n $2 && (-e /usr/include/$2 || -e /usr/local/include/$2) ]] && return
  [[ -n $2 ]] && command -v "$2" >/dev/null && return
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

packages=("${build_packages[@]}")
case ${1:-build} in
  build) ;;
  test) packages+=("${test_packages[@]}") ;;
  *) echo "usage: $0 [build|test]" >&2; exit 2 ;;
esac

missing=()
for entry in "${packages[@]}"; do
  present "${entry%%:*}" "${entry#*:}" || missing+=("${entry%%:*}")
done
if ((${#missing[@]} == 0)); then
  echo "setup: nothing is missing" >&2
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "setup: this is no Debian system; install the counterparts of: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || { echo "setup: run as root, or with sudo installed, to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
