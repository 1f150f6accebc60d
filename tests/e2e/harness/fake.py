"""A scripted stand-in for the agent: it greets, and answers each request with prepared frames."""

import json
import os
import socket
import struct
import threading

from .wire import JSON, TEXT

DONE = {"_requestdone": 1}


def frame(value, kind=JSON):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("!I", kind << 24 | len(body)) + body


def frames(values):
    """An answer: the frames of a request, and its end."""
    return b"".join(frame(v) for v in values) + frame(DONE)


class FakeAgent:
    """answer(request) gives the bytes of an answer, or None: none is given while `hold` is set."""

    def __init__(self, folder, answer):
        self.path = os.path.join(folder, "fake.sock")
        self.answer = answer
        self.requests = []
        self.asked = threading.Event()
        self.release = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    @staticmethod
    def _exactly(conn, count):
        data = b""
        while len(data) < count:
            piece = conn.recv(count - len(data))
            if not piece:
                raise OSError("end")
            data += piece
        return data

    def _serve(self, conn):
        try:
            conn.sendall(frame(b"Confluent -- v4 --", TEXT) + frame({"authpassed": 1}))
            while True:
                (head,) = struct.unpack("!I", self._exactly(conn, 4))
                request = json.loads(self._exactly(conn, head & 0xffffff))
                self.requests.append(request)
                self.asked.set()
                answer = self.answer(request)
                if answer is None:
                    self.release.wait(20)
                    answer = frame(DONE)
                conn.sendall(answer)
        except OSError:
            pass
        finally:
            conn.close()

    def close(self):
        self.release.set()
        self.listener.close()
