"""The service on Ray Serve, on this machine alone: prints `ready` once it answers, ends when standard input does.

python -m tests.support.ray_serving PORT DATABASE
"""

from __future__ import annotations

import os
import sys

__all__: list[str] = []


def main(port: int, database: str) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_raylet_start_wait_time_s"] = "300"  # noqa: SIM112 - Ray's name for it
    os.environ["RAY_agent_register_timeout_ms"] = "300000"  # noqa: SIM112
    import ray
    from ray import serve

    from service.ray_serve import build

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(build({"host": "127.0.0.1", "database": database}), name="docalign")
    print("ready", flush=True)
    sys.stdin.read()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
