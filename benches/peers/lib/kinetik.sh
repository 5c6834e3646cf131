# What our drivers share: driver.sh w1|w2|w3|w4|w5 [options], one JSON line on standard output. KINETIK names the release
# program. A driver that sets `sync` takes --sync too; it calls `read_options "$@"`, and then `measure STORE`.
set -euo pipefail
unset sync
: "${KINETIK:?name the program: build it with cargo build --release -p kinetik --all-features, then export KINETIK=/full/path/target/release/kinetik}"
[ -x "$KINETIK" ] || { echo "KINETIK names no program: $KINETIK" >&2; exit 1; }

# Reads the workload and the options.
read_options() {
  workload=$1; shift
  conc=10 interval=5 seconds=10 retained=0 backlog=0 sized=()
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
    case $1 in
      --sync) [ -n "${sync-}" ] || { echo "unknown option $1" >&2; exit 2; }; sync=$2 ;;
      --conc) conc=$2 ;;
      --jobs | --payload) sized+=("$1" "$2") ;;
      --interval) interval=$2 ;;
      --seconds) seconds=$2 ;;
      --retained) retained=$2 ;;
      --backlog) backlog=$2 ;;
      *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
  done
}

# Runs the workload on a store, in place of the driver.
measure() {
  case $workload in
    w4) sized+=(--interval "$interval" --seconds "$seconds") ;;
    w5) if [ "$backlog" -gt 0 ]; then sized+=(--backlog "$backlog"); else sized+=(--finished "$retained"); fi ;;
  esac
  exec "$KINETIK" bench --json --store "$1" --workload "$workload" --concurrency "$conc" ${sized[@]+"${sized[@]}"}
}
