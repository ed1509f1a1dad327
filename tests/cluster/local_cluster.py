"""A Ray cluster of several raylets on this machine, in a process of its own: a head without processors, and nodes with
one each. Prints the address, then obeys standard input: `add` (a node), `head` (kill it)."""

from __future__ import annotations

import sys

from ray.cluster_utils import Cluster

_STORE_BYTES = 80 * 2**20


def main(n_nodes: int) -> None:
    small = {"object_store_memory": _STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    for _ in range(n_nodes):
        cluster.add_node(num_cpus=1, wait=False, **small)
    cluster.wait_for_nodes()
    print("address", cluster.address, flush=True)
    for line in sys.stdin:
        what = line.strip()
        if what == "add":
            cluster.add_node(num_cpus=1, **small)
        elif what == "head":
            cluster.head_node.kill_gcs_server(check_alive=False)
        print("done", what, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
