"""A proxy (proxy.py) that knows requests from one another: it can hold back what a watch tells and let
all else pass, and it shows each request to the test before it goes on, and each answer."""

import asyncio
import contextvars
import json
import re

from .etcdclient import unb64
from .proxy import Proxy

_connection = contextvars.ContextVar("connection")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Connection:
    """watch: it was asked to watch something. owner, note: what on_request() likes to leave here."""

    def __init__(self):
        self.watch = False
        self.open = asyncio.Event()
        self.open.set()
        self.owner = self.note = None


class HttpProxy(Proxy):
    """on_request(proxy, connection, path, body) and on_answer(proxy, connection, data) are called in the
    proxies' thread, before the bytes go on; who raises ConnectionResetError keeps them back and ends
    the connection. Either may be None."""

    on_request = on_answer = None

    async def _start(self):
        self.connections = set()
        await super()._start()

    async def _serve(self, reader, writer):
        made = Connection()
        _connection.set(made)
        self.connections.add(made)
        try:
            await super()._serve(reader, writer)
        finally:
            self.connections.discard(made)

    async def _pump(self, reader, writer, gate, upwards):
        connection = _connection.get()
        if upwards:
            await self._requests(connection, reader, writer, gate)
        else:
            await self._answers(connection, reader, writer, gate)

    async def _requests(self, connection, reader, writer, gate):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length.group(1))) if length else b""
            except asyncio.IncompleteReadError:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            await gate.wait()
            path = head.split(b" ", 2)[1].decode("ascii", "replace")
            connection.watch = connection.watch or path.endswith("/watch")
            if self.on_request:
                self.on_request(self, connection, path, body)
            self.requests += 1
            self.bytes_up += len(head) + len(body)
            writer.write(head + body)
            await writer.drain()

    async def _answers(self, connection, reader, writer, gate):
        while True:
            data = await reader.read(65536)
            await gate.wait()
            await connection.open.wait()
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            if self.on_answer:
                self.on_answer(self, connection, data)
            self.bytes_down += len(data)
            writer.write(data)
            await writer.drain()

    async def _mute(self):
        watches = [c for c in self.connections if c.watch]
        for connection in watches:
            connection.open.clear()
        return len(watches)

    def mute_watches(self):
        """What the watches that there are now tell is held back for ever; how many they are."""
        return self.network.run(self._mute())


def puts_of(body):
    """What a transaction puts when it succeeds: {key: value}."""
    try:
        puts = [op.get("requestPut") or op.get("request_put")
                for op in json.loads(body).get("success", [])]
        return {unb64(put["key"]): unb64(put.get("value")) for put in puts if put}
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}
