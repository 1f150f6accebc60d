"""The socket's framing, spoken by hand: what upstream's own Python tools do.

A frame is four bytes, big endian: type in bits 30..24 (0 text, 1 JSON, 2 descriptor), length below."""

import array
import json
import socket
import struct

TEXT, JSON, DESCRIPTOR = 0, 1, 2


class Closed(Exception):
    """The other side ended the session."""


class Session:
    """A connection to an agent's socket. greeting: the banner; passed: the authpassed answer."""

    def __init__(self, path, timeout=10, greet=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.banner = self.passed = None
        if greet:
            self.banner = self.receive()
            self.passed = self.receive().get("authpassed")

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise Closed()
            data += piece
        return data

    def receive(self):
        (head,) = struct.unpack("!I", self._exactly(4))
        kind, length = head >> 24, head & 0xffffff
        body = self._exactly(length)
        if length == 0:
            raise Closed()
        return json.loads(body) if kind == JSON else body.decode("utf-8")

    def send_raw(self, data):
        self.sock.sendall(data)

    def send(self, value, kind=JSON):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.sock.sendall(struct.pack("!I", kind << 24 | len(body)) + body)

    def send_descriptor(self, value, fd):
        body = json.dumps(value).encode()
        self.sock.sendall(struct.pack("!I", DESCRIPTOR << 24 | len(body)))
        self.sock.sendmsg([body], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                    array.array("i", [fd]).tobytes())])

    def ask(self, operation, path, parameters=None):
        """A request; the frames before _requestdone."""
        request = {"operation": operation, "path": path}
        if parameters is not None:
            request["parameters"] = parameters
        self.send(request)
        return self.answer()

    def answer(self):
        frames = []
        while True:
            frame = self.receive()
            if isinstance(frame, dict) and "_requestdone" in frame:
                return frames
            frames.append(frame)

    def collective(self, **message):
        self.send({"collective": message})
        return self.receive()["collective"]

    def at_end(self):
        """True when the server has closed."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
