#!/bin/sh
# A Ray cluster of a head and two nodes on one machine, to try `executor: ray` before there is a real one.
#
#   recipes/cluster/laptop.sh start         starts it, and prints what to set before `tunebook run`
#   recipes/cluster/laptop.sh stop          ends every Ray process of this user on this machine
#
# Ray listens on all of the machine's addresses; the token keeps others out.
set -eu
port="${RAY_PORT:-6399}"
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0

case "${1:-start}" in
start)
    ray get-auth-token --generate >/dev/null
    ray start --head --port="$port" --num-cpus=0 --include-dashboard=false --disable-usage-stats >/dev/null
    for node in 1 2; do
        ray start --address="127.0.0.1:$port" --num-cpus=1 --object-store-memory=100000000 >/dev/null
    done
    echo "export RAY_AUTH_MODE=token RAY_ADDRESS=127.0.0.1:$port"
    echo "# then, with 'executor: ray' and 'device: cpu:N' in the study file, N being this machine's processors:"
    echo "# tunebook run study.yaml"
    ;;
stop)
    ray stop --force >/dev/null
    ;;
*)
    echo "found $1; it is start or stop" >&2
    exit 2
    ;;
esac
