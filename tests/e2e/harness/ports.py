"""TCP ports for servers that bind by themselves.

Ports are taken below the range that the kernel gives to outgoing connections, so that no
connection can be in the way when the server binds, and each is held by a lock on a file for as long
as this process lives, so that test runs side by side never choose the same."""

import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 15000, 30000
_held = {}


def _outgoing_from():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
            return int(f.read().split()[0])
    except OSError:
        return 32768


def _lock(port):
    folder = os.path.join(tempfile.gettempdir(), f"collective-test-ports-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    fd = os.open(os.path.join(folder, str(port)), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def free_port():
    """A port of 127.0.0.1 that nobody listens on and that no other test run will choose."""
    last = min(LAST, _outgoing_from())
    for port in random.SystemRandom().sample(range(FIRST, last), 2000):
        if port in _held:
            continue
        fd = _lock(port)
        if fd is None:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                os.close(fd)
                continue
        _held[port] = fd
        return port
    raise RuntimeError(f"no free TCP port between {FIRST} and {last}")


def release(port):
    fd = _held.pop(port, None)
    if fd is not None:
        os.close(fd)
