# SPDX-License-Identifier: Apache-2.0
# What every script shares: where the project is, how it speaks, how it fails, its help. Sourced, never run.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
me=$(basename -- "$0")

say() { printf '%s: %s\n' "$me" "$*"; }
warn() { printf '%s: %s\n' "$me" "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

# The help of a script is its own head comment, from the third line to the first line that is no comment.
show_help() { sed -n '3,${/^#/!q;s/^# \{0,1\}//p}' "$0"; }

# Answer --help and -h wherever they stand among the arguments.
answer_help() {
  local argument
  for argument in "$@"; do
    case $argument in
      -h | --help)
        show_help
        exit 0
        ;;
    esac
  done
}

# A wrong call: say why, show the help, exit 2.
usage_error() {
  warn "$*"
  show_help >&2
  exit 2
}

# The C++ files below folders of the project, one a line.
cxx_files() { (cd -- "$root" && find "$@" -type f \( -name '*.h' -o -name '*.cpp' \) -printf "$root/%p\n" | sort); }
