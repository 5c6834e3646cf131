# Ours on the store in memory; lib/kinetik.sh has the options.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/kinetik.sh"
read_options "$@"
measure memory:
