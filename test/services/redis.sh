#!/usr/bin/env bash
# Real Redis servers on 127.0.0.1, without persistence, for the tests of `npm run test:services`.
#
#   redis.sh single [OPTION…]  one server on REDIS_PORT (7390)
#   redis.sh sentinel  a master on REDIS_PORT, its replica on +1, three sentinels on +2 to +4 that call the master "m"
#   redis.sh cluster   a cluster of three masters on REDIS_PORT, +1, +2
#   redis.sh replicated-cluster  the same, with a replica of each master on +3 to +5
#   redis.sh again PORT  one of the servers of "sentinel" after its end; the sentinels make it a replica
#   redis.sh stop      ends every server whose files are in REDIS_DIR (/tmp/redis-REDIS_PORT), and removes them
#
# Returns when the servers answer. The server on port P writes its process id to REDIS_DIR/P.pid.
set -euo pipefail

host=127.0.0.1
port=${REDIS_PORT:-7390}
dir=${REDIS_DIR:-${TMPDIR:-/tmp}/redis-$port}

# start PORT OPTION…
start() {
  mkdir -p "$dir/$1"
  redis-server --bind $host --port "$1" --dir "$dir/$1" --save '' --appendonly no --daemonize yes \
    --pidfile "$dir/$1.pid" --logfile "$dir/$1.log" "${@:2}" >/dev/null
}

# answers PORT…
answers() {
  local p
  for p in "$@"; do
    until_true 200 pong "$p" || { echo "redis on port $p does not answer" >&2; tail -5 "$dir/$p.log" >&2; exit 1; }
  done
}
pong() { [[ $(redis-cli -h $host -p "$1" ping 2>/dev/null) == PONG ]]; }

# until_true TRIES COMMAND…: ten tries a second.
until_true() {
  local i
  for ((i = 0; i < $1; i++)); do
    "${@:2}" && return 0
    sleep 0.1
  done
  return 1
}

# Where nothing reaps processes, one that has ended stays as a zombie.
ended() {
  local state
  state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
  [[ $state == Z ]]
}

case ${1:-} in
single)
  start "$port" "${@:2}"
  answers "$port"
  ;;
sentinel)
  replica=$((port + 1)) sentinels=($((port + 2)) $((port + 3)) $((port + 4)))
  start "$port"
  answers "$port"
  start "$replica" --replicaof $host "$port"
  for p in "${sentinels[@]}"; do
    mkdir -p "$dir/$p"
    cat >"$dir/$p.conf" <<CONF
bind $host
port $p
dir $dir/$p
sentinel monitor m $host $port 2
sentinel down-after-milliseconds m 500
sentinel failover-timeout m 2000
CONF
    redis-server "$dir/$p.conf" --sentinel --daemonize yes --pidfile "$dir/$p.pid" --logfile "$dir/$p.log" >/dev/null
  done
  answers "$replica" "${sentinels[@]}"
  replicates() { redis-cli -h $host -p "$replica" info replication | grep -q master_link_status:up; }
  # Fewer cannot agree on a failover.
  meets_others() {
    local info
    info=$(redis-cli -h $host -p "$1" info sentinel)
    [[ $info == *slaves=1,sentinels=3* ]]
  }
  until_true 200 replicates
  for p in "${sentinels[@]}"; do until_true 200 meets_others "$p"; done
  ;;
cluster | replicated-cluster)
  ports=("$port" $((port + 1)) $((port + 2)))
  [[ $1 == cluster ]] || ports+=($((port + 3)) $((port + 4)) $((port + 5)))
  replicas=$((${#ports[@]} / 3 - 1))
  for p in "${ports[@]}"; do
    start "$p" --cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout 1000
  done
  answers "${ports[@]}"
  redis-cli --cluster create "${ports[@]/#/$host:}" --cluster-replicas $replicas --cluster-yes >/dev/null
  # Every node must know the replicas: those that do not take part in no election.
  is_whole() {
    redis-cli -h $host -p "$1" cluster info | grep -q cluster_state:ok &&
      [[ $(redis-cli -h $host -p "$1" cluster nodes | grep -c slave) == $((3 * replicas)) ]] &&
      [[ $(redis-cli -h $host -p "$1" info replication) != *master_link_status:down* ]]
  }
  for p in "${ports[@]}"; do until_true 200 is_whole "$p"; done
  ;;
again)
  start "$2"
  answers "$2"
  ;;
stop)
  for file in "$dir"/*.pid; do
    [[ -f $file ]] || continue
    pid=$(<"$file")
    kill "$pid" 2>/dev/null || continue
    until_true 30 ended "$pid" || kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$dir"
  ;;
*)
  echo "usage: redis.sh single [OPTION…] | sentinel | cluster | replicated-cluster | again PORT | stop" >&2
  exit 2
  ;;
esac
