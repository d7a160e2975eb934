# Sourced by every case, whose first argument is the command gmdiff. A case runs in a scratch folder that
# holds the problem files beside this script. It exits 0 if the behaviour is right, 1 if it is wrong and 77 if
# this machine cannot run the case.
set -u
G=$(realpath "$1")
common=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 77
cp "$common"/*.json .
# A case may use numpy. Debian's package is installed for the system's python3, which need not be the first on
# PATH.
if ! python3 -c 'import numpy' 2>/dev/null; then
  /usr/bin/python3 -c 'import numpy' 2>/dev/null || exit 77
  python3() { /usr/bin/python3 "$@"; }
fi
ulimit -t 10
wrong() { echo "WRONG: $*"; exit 1; }
g() { timeout 8 "$G" "$@"; }
