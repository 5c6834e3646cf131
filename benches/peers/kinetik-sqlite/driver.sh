# Ours on an SQLite file, which PEERS_SQLITE names; --sync normal|full, and the options of lib/kinetik.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/kinetik.sh"
: "${PEERS_SQLITE:?name the database file}"
sync=normal
read_options "$@"
measure "sqlite:$PEERS_SQLITE?synchronous=$sync"
