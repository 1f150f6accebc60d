"""The wire of the fault scenarios (harness/netns.py) does to packets what it is told."""

import socket
import threading
import time

import pytest

from harness.netns import Wire, why_not


@pytest.fixture
def wire():
    if why_not():
        pytest.skip(why_not())
    made = Wire()
    yield made
    made.close()


def serve(host, port=5000):
    """Sends back what it gets."""
    listener = host.run(lambda: socket.create_server((host.ip, port)))

    def echo(conn):
        with conn:
            while data := conn.recv(65536):
                conn.sendall(data)

    def accept():
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(conn,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return (host.ip, port)


def exchange(sock, data):
    """Seconds until all of it has come back."""
    began = time.monotonic()
    threading.Thread(target=sock.sendall, args=(data,), daemon=True).start()
    back = b""
    while len(back) < len(data):
        back += sock.recv(65536)
    assert back == data
    return time.monotonic() - began


def test_hosts_reach_each_other_and_have_no_other_network(wire):
    a, b = wire.host("a"), wire.host("b")
    address = serve(b)
    with a.connect(address) as sock:
        exchange(sock, b"x" * 3_000_000)
    for host in (a, b):
        assert sorted(name for _, name in host.run(socket.if_nameindex)) == ["lo", "wire"]


def test_a_link_that_is_down_takes_everything_and_comes_back(wire):
    a, b = wire.host("a"), wire.host("b")
    address = serve(b)
    with a.connect(address) as sock:
        wire.isolate(b)
        sock.sendall(b"held")
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.recv(10)
        with pytest.raises(OSError):
            a.connect(address, 0.5)
        wire.rejoin(b)
        sock.settimeout(10)
        assert sock.recv(10) == b"held", "the kernel sends again"


def test_a_link_can_be_down_in_one_direction_only(wire):
    a, b = wire.host("a"), wire.host("b")
    receiver = b.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender = a.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind((b.ip, 6000))
    sender.bind((a.ip, 6000))
    receiver.settimeout(5)
    sender.settimeout(0.3)
    wire.one_way([b], [a], down=True)
    sender.sendto(b"there", (b.ip, 6000))
    assert receiver.recv(10) == b"there"
    receiver.sendto(b"back", (a.ip, 6000))
    with pytest.raises(TimeoutError):
        sender.recv(10)
    receiver.close()
    sender.close()


def test_loss_delay_and_reordering_are_those_asked_for(wire):
    a, b = wire.host("a"), wire.host("b")
    receiver = b.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind((b.ip, 6000))
    sender = a.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    wire.one_way([a], [b], loss=0.3, delay=0.1, jitter=0.05)
    began, times, numbers = [], [], []
    for number in range(1000):
        began.append(time.monotonic())
        sender.sendto(b"%d" % number, (b.ip, 6000))
    receiver.settimeout(1)
    try:
        while True:
            number = int(receiver.recv(10))
            times.append(time.monotonic() - began[number])
            numbers.append(number)
    except TimeoutError:
        pass
    # On a busy machine what comes in a burst may not even get to the wire.
    assert 0.25 < wire.lost / (wire.lost + wire.passed) < 0.35, "30 % are lost"
    assert 300 < len(numbers) < 800
    assert numbers != sorted(numbers), "they overtake each other"
    assert min(times) >= 0.05
    assert 0.08 < sum(times) / len(times) < 0.3
    receiver.close()
    sender.close()


def test_a_flapping_link_is_up_and_down_by_turns(wire):
    a, b = wire.host("a"), wire.host("b")
    receiver = b.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind((b.ip, 6000))
    receiver.settimeout(0.05)
    sender = a.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    wire.between([a], [b], flap=(0.3, 0.3))
    began = time.monotonic()
    changes, last = 0, None
    while time.monotonic() < began + 2.4:
        sender.sendto(b"x", (b.ip, 6000))
        try:
            receiver.recv(10)
            now = True
        except TimeoutError:
            now = False
        changes += now != last
        last = now
    assert 5 <= changes <= 10, "four times up, four times down"
    receiver.close()
    sender.close()
