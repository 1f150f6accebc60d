"""A command on a terminal of its own."""

import os
import pty
import select
import termios
import time


def on_terminal(program, argv, env):
    """Its process, and the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execve(program, argv, env)
        finally:
            os._exit(127)
    return pid, terminal


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def read_until(fd, text, deadline=20):
    """What a terminal shows up to the text."""
    seen = b""
    end = time.monotonic() + deadline
    while text not in seen:
        ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        assert ready, f"{seen} came, not {text}"
        try:
            piece = os.read(fd, 4096)
        except OSError:
            piece = b""
        assert piece, f"{seen} came, not {text}"
        seen += piece
    return seen
