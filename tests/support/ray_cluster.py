"""A Ray cluster of one head without cores and some workers of two, on this machine: prints its address and each
worker's process id as JSON, and ends when standard input does.

    python -m tests.support.ray_cluster 2
"""

from __future__ import annotations

import json
import os
import sys

__all__: list[str] = []


def main(workers: int) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_raylet_start_wait_time_s"] = "300"  # noqa: SIM112 - Ray's name for it
    os.environ["RAY_agent_register_timeout_ms"] = "300000"  # noqa: SIM112
    from ray.cluster_utils import Cluster

    memory = 100 << 20
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": memory},
    )
    nodes = [cluster.add_node(num_cpus=2, object_store_memory=memory) for _ in range(workers)]
    pids = [node.all_processes["raylet"][0].process.pid for node in nodes]
    print(json.dumps({"address": cluster.address, "workers": pids}), flush=True)
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
