# Ours on a Redis server, which PEERS_REDIS_URL names; lib/kinetik.sh has the options.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/kinetik.sh"
: "${PEERS_REDIS_URL:?name the server}"
read_options "$@"
measure "$PEERS_REDIS_URL"
