"""Hosts and the wire between them, on one machine and without anything the kernel may lack.

Each host is a network namespace with one TUN device. A thread of the test reads what the hosts send
and hands it to the one it is for, so it decides for each packet, by who sends it and who should get
it: lost, late, overtaken by others, or the link is down. Where a kernel has netem that does no more.

A namespace has no name: it lives while this process holds its descriptor, and what runs in it is
started through /proc. So nothing is left behind, not even when the test is killed."""

import ctypes
import fcntl
import heapq
import os
import queue
import random
import select
import socket
import struct
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = 0x8914, 0x8916, 0x891C, 0x8922
SIOCSIFTXQLEN = 0x8943
IFF_UP, IFF_RUNNING = 0x1, 0x40
DEVICE = b"wire"
MTU = 9000

_libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """None where hosts can be made, else why not."""
    if os.geteuid() != 0:
        return "network namespaces are made by root only"
    return None


def _set(probe, call, name, value):
    fcntl.ioctl(probe, call, struct.pack("16s", name) + value)


def _address(ip):
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(ip))


class Host:
    """A host of a Wire. A thread of its own is in the namespace and does there what it is asked."""

    def __init__(self, name, number):
        self.name = name
        self.number = number
        self.ip = f"10.77.0.{number}"
        self.tun = self.namespace = -1
        self.relays = []
        self._work = queue.Queue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self.run(self._enter)

    def __repr__(self):
        return f"<host {self.name} {self.ip}>"

    def _live(self):
        while True:
            function, answer = self._work.get()
            if function is None:
                return
            try:
                answer.put((function(), None))
            except OSError as error:
                answer.put((None, error))

    def run(self, function):
        """function() in the namespace: sockets that it opens belong there for good."""
        answer = queue.Queue()
        self._work.put((function, answer))
        value, error = answer.get(timeout=15)
        if error:
            raise error
        return value

    def _enter(self):
        if _libc.unshare(CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, f"no network namespace: {os.strerror(error)}; these tests need "
                          "root on a machine (or in a container) that may make them")
        task = threading.get_native_id()
        self.namespace = os.open(f"/proc/self/task/{task}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise OSError(error.errno, f"/dev/net/tun: {error.strerror}; these tests need the "
                          "kernel's TUN devices (modprobe tun)") from error
        fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", DEVICE, IFF_TUN | IFF_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            up = struct.pack("H14x", IFF_UP | IFF_RUNNING)
            _set(probe, SIOCSIFFLAGS, b"lo", up)
            _set(probe, SIOCSIFADDR, DEVICE, _address(self.ip))
            _set(probe, SIOCSIFNETMASK, DEVICE, _address("255.255.255.0"))
            _set(probe, SIOCSIFMTU, DEVICE, struct.pack("i12x", MTU))
            _set(probe, SIOCSIFTXQLEN, DEVICE, struct.pack("i12x", 5000))
            _set(probe, SIOCSIFFLAGS, DEVICE, up)

    @property
    def enter(self):
        """What to put before an argv so that it runs on this host (under the same process id)."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self.namespace}", "--"]

    def connect(self, address, timeout=5):
        return self.run(lambda: socket.create_connection(address, timeout))

    def relay(self, port):
        """A port of this machine's loopback that leads to that port of the host's own loopback: the
        way of the test itself, which no fault of the wire touches."""
        made = Relay(self, port)
        self.relays.append(made)
        return made.port

    def close(self):
        for relay in self.relays:
            relay.close()
        self._work.put((None, None))
        self._thread.join(5)
        for fd in (self.tun, self.namespace):
            if fd >= 0:
                os.close(fd)
        self.tun = self.namespace = -1


class Relay:
    """Accepts here, connects there."""

    def __init__(self, host, target):
        self.host, self.target = host, target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(here,), daemon=True).start()

    def _serve(self, here):
        try:
            there = self.host.connect(("127.0.0.1", self.target))
        except (OSError, queue.Empty):
            here.close()
            return
        there.settimeout(None)
        back = threading.Thread(target=self._pump, args=(there, here), daemon=True)
        back.start()
        self._pump(here, there)
        back.join()
        here.close()
        there.close()

    @staticmethod
    def _pump(source, target):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


class Rule:
    """What happens to the packets of one direction between two hosts.

    loss: the share of packets that is lost, 0 to 1. delay, jitter: seconds; a packet takes
    delay - jitter to delay + jitter, each its own time, so they overtake each other. down: all are
    lost. flap: (seconds up, seconds down), again and again, up first."""

    def __init__(self, loss=0.0, delay=0.0, jitter=0.0, down=False, flap=None):
        self.loss, self.delay, self.jitter, self.down = loss, delay, jitter, down
        self.flap, self.since = flap, time.monotonic()

    def is_down(self, now):
        if self.flap:
            up, down = self.flap
            return (now - self.since) % (up + down) >= up
        return self.down


class Wire:
    """The switch that all hosts hang on, in a thread of its own."""

    def __init__(self, seed=1):
        self.hosts = []
        self.passed = self.lost = 0
        self._rules = {}
        self._by_ip = {}
        self._late = []
        self._count = 0
        self._random = random.Random(seed)
        self._poll = select.epoll()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll.register(self._wake_read, select.EPOLLIN)
        self._by_fd = {}
        self._ended = False
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def host(self, name):
        made = Host(name, len(self.hosts) + 1)
        self.hosts.append(made)
        self._by_ip[socket.inet_aton(made.ip)] = made
        self._by_fd[made.tun] = made
        self._poll.register(made.tun, select.EPOLLIN)
        return made

    # faults

    def one_way(self, sources, targets, **rule):
        """For what goes from any of the sources to any of the targets; no rule: as it should be."""
        rules = dict(self._rules)
        for source in sources:
            for target in targets:
                if source is target:
                    continue
                if rule:
                    rules[source.number, target.number] = Rule(**rule)
                else:
                    rules.pop((source.number, target.number), None)
        self._rules = rules
        os.write(self._wake_write, b"x")

    def between(self, some, others, **rule):
        """The same in both directions."""
        self.one_way(some, others, **rule)
        self.one_way(others, some, **rule)

    def isolate(self, *hosts):
        """Each of these hears nobody, and is heard by nobody."""
        self.between(hosts, self.hosts, down=True)

    def rejoin(self, *hosts):
        self.between(hosts, self.hosts)

    def heal(self):
        self._rules = {}

    # the thread

    def _forward(self):
        while not self._ended:
            wait = -1
            if self._late:
                wait = max(0.0, self._late[0][0] - time.monotonic())
            try:
                ready = self._poll.poll(wait)
            except OSError:
                return
            now = time.monotonic()
            for fd, _ in ready:
                if fd == self._wake_read:
                    self._awake()
                elif fd in self._by_fd:
                    self._read(self._by_fd[fd], now)
            while self._late and self._late[0][0] <= now:
                _, _, host, packet = heapq.heappop(self._late)
                self._deliver(host, packet)

    def _awake(self):
        try:
            os.read(self._wake_read, 1000)
        except BlockingIOError:
            pass

    def _read(self, source, now):
        rules = self._rules
        for _ in range(64):
            try:
                packet = os.read(source.tun, MTU + 100)
            except OSError:
                return
            target = self._by_ip.get(packet[16:20]) if packet[0] >> 4 == 4 else None
            if target is None:
                continue
            rule = rules.get((source.number, target.number))
            if rule is None:
                self._deliver(target, packet)
            elif rule.is_down(now) or (rule.loss and self._random.random() < rule.loss):
                self.lost += 1
            elif rule.delay or rule.jitter:
                late = rule.delay + self._random.uniform(-rule.jitter, rule.jitter)
                self._count += 1
                heapq.heappush(self._late, (now + late, self._count, target, packet))
            else:
                self._deliver(target, packet)

    def _deliver(self, host, packet):
        try:
            os.write(host.tun, packet)
            self.passed += 1
        except OSError:
            self.lost += 1

    def close(self):
        self._ended = True
        os.write(self._wake_write, b"x")
        self._thread.join(5)
        for host in self.hosts:
            host.close()
        self._poll.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
