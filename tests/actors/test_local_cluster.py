"""The ports that a head of Ray is started with: Ray refuses one number for two of its parts."""

import socket
from pathlib import Path

from portfolio_mm.actors import local_cluster
from portfolio_mm.actors.local_cluster import EVERYWHERE, LOOPBACK, NODE
from portfolio_mm.settings.plan import ClusterPlan

PLAN = ClusterPlan(address=None, namespace="test", dashboard_port=0, cpus_per_actor=0.0, object_store_mb=80)


def test_the_parts_of_a_head_have_ports_of_their_own(tmp_path: Path) -> None:
    """None is left to Ray, which would draw without looking at the others."""
    dashboard_port = 40_000
    command = local_cluster._command(PLAN, tmp_path, dashboard_port)
    words = dict(word.split("=", 1) for word in command if "=" in word)
    ports = [int(words[name]) for name in ("--port", "--ray-client-server-port", "--dashboard-port")]
    assert len({*ports}) == 3
    assert min(ports) > 0
    for port in ports[:2]:
        for host in (NODE, LOOPBACK):
            with socket.create_server((host, port)):
                pass


def test_a_port_that_is_taken_at_one_address_is_given_to_nobody() -> None:
    for host in (NODE, LOOPBACK):
        with socket.create_server((host, 0)) as taken:
            port = int(taken.getsockname()[1])
            assert local_cluster._free_port(port, EVERYWHERE) != port


def test_no_port_is_given_twice() -> None:
    for _ in range(200):
        head_port, client_port = local_cluster._other_ports(40_000)
        assert len({head_port, client_port, 40_000}) == 3
