#!/usr/bin/env bash
# A real S3 on 127.0.0.1: one Ceph monitor, one storage daemon that keeps everything in memory, one gateway (radosgw).
# Usage: ceph-rgw.sh start|gateway|stop, with RGW_DIR (a folder of its own), RGW_PORT and RGW_MON_PORT (two free ports).
# `gateway` starts the gateway again after it was killed; the data stay. Process ids are in $RGW_DIR/run/*.pid.
set -euo pipefail
dir=${RGW_DIR:?a folder of its own} port=${RGW_PORT:?a free port} monitor=${RGW_MON_PORT:?another free port}
access=${RGW_ACCESS_KEY:-testaccesskey} secret=${RGW_SECRET_KEY:-testsecretkey}
conf=(--conf "$dir/ceph.conf")

write_conf() {
  cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon_host = [v2:127.0.0.1:$monitor]
ms_bind_msgr1 = false
ms_bind_ipv4 = true
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
# Ceph waits for more changes before it decides on one; alone on a machine that is 10 s of nothing.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_mon_report_interval = 1
mon_data = $dir/mon
osd_data = $dir/osd
run_dir = $dir/run
admin_socket = $dir/run/\$cluster-\$name.\$pid.asok
pid_file = $dir/run/\$name.pid
log_file = $dir/log/\$name.log
keyring = $dir/keyring
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_memory_target = 939524096
mon_data_avail_warn = 2
mon_data_avail_crit = 1
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw_data = $dir/rgw
rgw_enable_usage_log = false
rgw_gc_obj_min_wait = 60
rgw_thread_pool_size = 64
CONF
}

# One keyring for all daemons; the monitor takes over every key in it.
write_keys() {
  local keys=$dir/keyring
  ceph-authtool -C "$keys" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$keys" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
  ceph-authtool "$keys" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
  ceph-authtool "$keys" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
}

start_cluster() {
  local fsid osd
  fsid=$(sed -n 's/^fsid = //p' "$dir/ceph.conf")
  monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$monitor]" "$dir/monmap"
  ceph-mon "${conf[@]}" --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring"
  ceph-mon "${conf[@]}" -i a
  osd=$(cat /proc/sys/kernel/random/uuid)
  ceph "${conf[@]}" osd new "$osd"
  ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$osd"
  ceph-osd "${conf[@]}" -i 0
  radosgw-admin "${conf[@]}" --name client.rgw user create --uid=test --display-name=test \
    --access-key="$access" --secret-key="$secret"
}

start_gateway() {
  radosgw "${conf[@]}" --name client.rgw >>"$dir/log/start.out" 2>&1
  for _ in $(seq 300); do
    curl -fsS -o /dev/null "http://127.0.0.1:$port/" 2>/dev/null && return
    sleep 0.1
  done
  tail -n 20 "$dir"/log/* >&2
  return 1
}

# A killed daemon may stay as a zombie where no init reaps it: it has ended all the same.
is_running() {
  local state
  state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) && [ "$state" != Z ]
}

stop_daemon() {
  local pid
  [ -f "$1" ] || return 0
  pid=$(cat "$1")
  # A stopped process takes no TERM.
  kill -CONT "$pid" 2>/dev/null || true
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do
    is_running "$pid" || return 0
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
}

case ${1:-} in
start)
  mkdir -p "$dir"/{mon,osd,rgw,log,run}
  write_conf
  { write_keys && start_cluster; } >"$dir/log/start.out" 2>&1 || {
    cat "$dir/log/start.out" >&2
    exit 1
  }
  start_gateway
  ;;
gateway) start_gateway ;;
stop)
  for name in client.rgw osd.0 mon.a; do stop_daemon "$dir/run/$name.pid"; done
  rm -rf "$dir"
  ;;
*)
  echo 'usage: ceph-rgw.sh start|gateway|stop' >&2
  exit 2
  ;;
esac
