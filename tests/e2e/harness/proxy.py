"""A TCP proxy between one agent and one etcd that can fail in the ways a network fails.

Modes: pass; refuse (connections are reset, new ones refused); blackhole (bytes stop in both
directions, connections stay, as when a link goes down); no_replies (requests arrive, answers don't);
delay (every piece waits). Bytes held back by a blackhole flow on when it ends, as TCP's
retransmissions would make them: a request its sender has given up on can still be applied then."""

import asyncio
import socket
import struct
import threading

from .ports import free_port


class Network:
    """The thread that all proxies of a test share."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.proxies = []
        self.kind = Proxy

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def proxy(self, target_port, label=""):
        made = self.kind(self, target_port, label)
        self.proxies.append(made)
        return made

    def shut_down(self):
        for proxy in self.proxies:
            proxy.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


class Proxy:
    """Listens on a port of its own; `port` is what the agent is told."""

    def __init__(self, network, target_port, label):
        self.network = network
        self.label = label
        self.target_port = target_port
        self.port = free_port()
        self.mode = "pass"
        self.delay = 0.0
        self.limit_up = self.limit_down = None
        self.quick = self.pause = None
        self.requests = 0
        self.bytes_up = self.bytes_down = 0
        self.server = None
        self.pairs = set()
        self.open_up = self.open_down = None
        network.run(self._start())

    async def _start(self):
        self.open_up, self.open_down = asyncio.Event(), asyncio.Event()
        self.open_up.set()
        self.open_down.set()
        await self._listen()

    async def _listen(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port,
                                                 reuse_address=True, backlog=128)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        try:
            await self.open_up.wait()
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except (OSError, asyncio.CancelledError):
            self._reset(writer)
            return
        pair = (writer, up_writer, task)
        self.pairs.add(pair)
        try:
            await asyncio.gather(self._pump(reader, up_writer, self.open_up, True),
                                 self._pump(up_reader, writer, self.open_down, False))
        except (OSError, asyncio.CancelledError):
            self._reset(writer)
            self._reset(up_writer)
        finally:
            self.pairs.discard(pair)
            writer.close()
            up_writer.close()

    async def _pump(self, reader, writer, gate, upwards):
        passed = 0
        while True:
            data = await reader.read(65536)
            limit = self.limit_up if upwards else self.limit_down
            if limit is not None and passed + len(data) > limit:
                writer.write(data[:limit - passed])
                await writer.drain()
                raise ConnectionResetError("the limit of this connection")
            passed += len(data)
            if self.delay and data:
                await asyncio.sleep(self.delay)
            if not upwards and self.pause and passed > self.quick:
                await asyncio.sleep(self.pause)
            await gate.wait()
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            if upwards:
                self.requests += data.count(b"POST /") + data.count(b"GET /")
                self.bytes_up += len(data)
            else:
                self.bytes_down += len(data)
            writer.write(data)
            await writer.drain()

    @staticmethod
    def _reset(writer):
        sock = writer.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        writer.transport.abort()

    async def _cut(self):
        for writer, up_writer, task in list(self.pairs):
            self._reset(writer)
            self._reset(up_writer)
            task.cancel()

    async def _set(self, mode, delay):
        was, self.mode, self.delay = self.mode, mode, delay
        if mode == "refuse":
            self.server.close()
            await self._cut()
        elif was == "refuse":
            await self._listen()
        for gate, shut in ((self.open_up, mode == "blackhole"),
                           (self.open_down, mode in ("blackhole", "no_replies"))):
            if shut:
                gate.clear()
            else:
                gate.set()

    def set(self, mode, delay=0.0):
        """Takes effect before this returns."""
        assert mode in ("pass", "refuse", "blackhole", "no_replies", "delay"), mode
        self.network.run(self._set(mode, delay))

    def cut_after(self, up=None, down=None):
        """Every connection is reset when it has carried so many bytes that way (None: no limit)."""
        self.limit_up, self.limit_down = up, down

    def slow_after(self, quick, pause):
        """What comes down behind so many bytes of a connection waits, each piece anew."""
        self.quick, self.pause = quick, pause

    def cut(self):
        """Resets what is connected now; new connections are served."""
        self.network.run(self._cut())

    def close(self):
        async def end():
            self.server.close()
            await self._cut()
        self.network.run(end())
