"""The harness itself: what the other tests rely on holds."""

import socket
import time

import pytest

from harness.etcd import EtcdCluster
from harness.proxy import Network
from harness.wait import Timeout, wait_until


@pytest.fixture
def network():
    net = Network()
    yield net
    net.shut_down()


@pytest.fixture
def echo():
    """A server that sends back what it gets."""
    import threading
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(conn):
        with conn:
            while True:
                try:
                    data = conn.recv(4096)
                    if not data:
                        return
                    conn.sendall(data)
                except OSError:
                    return

    def accept():
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(conn,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=2)


def test_a_proxy_passes_bytes_both_ways(network, echo):
    with connect(network.proxy(echo)) as sock:
        sock.sendall(b"ping")
        assert sock.recv(10) == b"ping"


def test_a_blackhole_keeps_connections_and_lets_held_bytes_flow_when_it_ends(network, echo):
    proxy = network.proxy(echo)
    with connect(proxy) as sock:
        sock.sendall(b"one")
        assert sock.recv(10) == b"one"
        proxy.set("blackhole")
        sock.sendall(b"two")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(10)
        proxy.set("pass")
        sock.settimeout(2)
        assert sock.recv(10) == b"two"


def test_no_replies_lets_requests_through(network, echo):
    proxy = network.proxy(echo)
    with connect(proxy) as sock:
        proxy.set("no_replies")
        sock.sendall(b"x" * 10)
        wait_until(lambda: proxy.bytes_up == 10, 2, "the request to pass")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(10)


def test_refuse_resets_what_is_connected_and_refuses_the_rest(network, echo):
    proxy = network.proxy(echo)
    with connect(proxy) as sock:
        sock.sendall(b"one")
        assert sock.recv(10) == b"one"
        proxy.set("refuse")
        with pytest.raises(ConnectionError):
            sock.recv(10)
            sock.sendall(b"x")
            raise ConnectionError("the end of the stream")
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.set("pass")
    with connect(proxy) as sock:
        sock.sendall(b"again")
        assert sock.recv(10) == b"again"


def test_delay_delays(network, echo):
    proxy = network.proxy(echo)
    proxy.set("delay", 0.2)
    with connect(proxy) as sock:
        began = time.monotonic()
        sock.sendall(b"x")
        assert sock.recv(10) == b"x"
        assert time.monotonic() - began >= 0.4


def test_waiting_says_what_it_waited_for():
    with pytest.raises(Timeout, match="the moon"):
        wait_until(lambda: False, 0.05, "the moon")


def test_a_cluster_of_three_survives_its_leader_and_tells_its_history(tmp_path):
    cluster = EtcdCluster(str(tmp_path / "etcd"), 3)
    try:
        first = cluster.client.put("/confluent/x", "1")
        leader = cluster.wait_leader()
        leader.kill()
        wait_until(lambda: cluster.leader() not in (None, leader), 10, "a new leader")
        cluster.client.put("/confluent/x", "2")
        cluster.client.delete("/confluent/x")
        leader.start()
        cluster.wait_healthy()
        history = cluster.client.history("/confluent/", first)
        assert [(kind, key.value) for _, kind, key in history] == [
            ("PUT", "1"), ("PUT", "2"), ("DELETE", "")]
    finally:
        cluster.shut_down()


@pytest.mark.parametrize("tls, auth", [("server", False), ("client", False), ("", True),
                                       ("client", True)])
def test_a_cluster_with_tls_and_users_serves(tmp_path, tls, auth):
    cluster = EtcdCluster(str(tmp_path / "etcd"), 1, tls=tls, auth=auth)
    try:
        cluster.client.put("/confluent/x", "1")
        assert cluster.client.get("/confluent/x").value == "1"
    finally:
        cluster.shut_down()


def test_the_newer_etcd_serves_where_it_is_at_hand(tmp_path, etcd_kind, etcd_of_kind):
    cluster = EtcdCluster(str(tmp_path / "etcd"), 1, binary=etcd_of_kind)
    try:
        assert cluster.client.put("/confluent/x", etcd_kind) == 2
    finally:
        cluster.shut_down()
