# Ours on a MongoDB server, which PEERS_MONGO_URL names; lib/kinetik.sh has the options.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/kinetik.sh"
: "${PEERS_MONGO_URL:?name the server}"
read_options "$@"
measure "$PEERS_MONGO_URL"
