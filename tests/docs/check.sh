#!/usr/bin/env bash
# Checks the code blocks of a document.
#   check.sh DOCUMENT.md ROOT GMDIFF
# A block's language says how:
#   cpp      stands, line by line, in one of ROOT/examples/*.cpp (leading blanks aside)
#   python   likewise, in one of ROOT/examples/*.py
#   cmake    likewise, in one of ROOT/tests/consumer/*/CMakeLists.txt
#   json     is one of ROOT/examples/*.json
#   output   is one of ROOT/examples/expected/*.txt
#   console  `$ command` lines run in one scratch folder per document, in which `gmdiff` is the command GMDIFF and examples/ are the
#            examples; what follows is the command's output (stdout and stderr). `...` stands for any text, within a line or for lines;
#            a command followed by `...` alone may print anything, but must succeed.
#   text     is not checked
# Any other language is an error, so that no block escapes by a slip.
set -euo pipefail
document=$1 root=$2 gmdiff=$3

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/blocks" "$scratch/run/bin"
cp -r "$root/examples" "$scratch/run/"
ln -s "$gmdiff" "$scratch/run/bin/gmdiff"
ln -s "$root/scripts" "$scratch/run/scripts"

# blocks/NNN.language, one file per code block.
awk -v folder="$scratch/blocks" '
  /^ *```/ {
    if (open) { open = 0; close(file); next }
    language = $0; sub(/^ *```/, "", language); if (language == "") language = "none"
    file = sprintf("%s/%05d.%s", folder, FNR, language); printf "" > file; open = 1; next
  }
  open { print > file }
  END { if (open) { print "unclosed block" > "/dev/stderr"; exit 1 } }' "$document"

failures=0
fail() {
  echo "$document:$1"
  failures=$((failures + 1))
}

# Whether the lines of $1, apart from blanks at their ends, are contiguous lines of the file $2.
contains() {
  awk '
    function trimmed(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
    NR == FNR { if (trimmed($0) != "" || n) block[++n] = trimmed($0); next }
    { text[++m] = trimmed($0) }
    END {
      while (n && block[n] == "") n--
      for (i = 1; i + n - 1 <= m; i++) {
        for (j = 1; j <= n && text[i + j - 1] == block[j]; j++) {}
        if (j > n) exit 0
      }
      exit 1
    }' "$1" "$2"
}

check_code() {  # block files...
  local file
  for file in "${@:2}"; do
    contains "$1" "$file" && return
  done
  return 1
}

check_file() {  # block files...
  local file
  for file in "${@:2}"; do
    cmp -s "$1" "$file" && return
  done
  return 1
}

# Runs one command and compares its output with the file $2, a pattern in which `...` matches anything.
check_command() {
  local command=$1 expected actual pattern status=0
  actual=$(cd "$scratch/run" && PATH="$scratch/run/bin:$PATH" GMDIFF="$gmdiff" bash -c "$command" 2>&1) || status=$?
  expected=$(cat "$2")
  if [[ $expected == ... ]]; then
    ((status == 0)) && return
  elif [[ $expected == *...* ]]; then
    pattern=$(printf '%s' "$expected" | sed 's/[][\\*?]/\\&/g; s/\.\.\./*/g')
    # shellcheck disable=SC2053
    [[ $actual == $pattern ]] && return
  elif [[ $actual == "$expected" ]]; then
    return
  fi
  printf -- '--- $ %s\n--- expected\n%s\n--- printed\n%s\n' "$command" "$expected" "$actual"
  return 1
}

check_console() {
  local line command="" status=0
  : >"$scratch/expected"
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == '$ '* ]]; then
      if [[ -n $command ]]; then check_command "$command" "$scratch/expected" || status=1; fi
      command=${line#'$ '}
      : >"$scratch/expected"
    else
      printf '%s\n' "$line" >>"$scratch/expected"
    fi
  done <"$1"
  [[ -n $command ]] || { echo "a console block without a command"; return 1; }
  check_command "$command" "$scratch/expected" || status=1
  return $status
}

for block in "$scratch"/blocks/*; do
  [[ -e $block ]] || continue
  name=${block##*/}
  line=$((10#${name%%.*}))
  case ${name#*.} in
    cpp) check_code "$block" "$root"/examples/*.cpp || fail "$line: this code is in no example" ;;
    python) check_code "$block" "$root"/examples/*.py || fail "$line: this code is in no example" ;;
    cmake) check_code "$block" "$root"/tests/consumer/*/CMakeLists.txt || fail "$line: this code is in no consumer project" ;;
    json) check_file "$block" "$root"/examples/*.json || fail "$line: this problem is no file of examples/" ;;
    output) check_file "$block" "$root"/examples/expected/*.txt || fail "$line: no example prints this" ;;
    console) check_console "$block" || fail "$line: a command does not print what is written" ;;
    text) ;;
    *) fail "$line: unknown language of a code block: ${name#*.}" ;;
  esac
done
((failures == 0))
