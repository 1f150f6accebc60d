"""A child process with its log: every line stamped with the monotonic time it came in at."""

import ctypes
import os
import signal
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """Starts argv. Output and errors are collected in `lines` as (time.monotonic(), text)."""

    def __init__(self, title, argv, env=None, cwd=None, stdin=None):
        self.title = title
        self.argv = argv
        self.lines = []
        self.stopped = False
        self.expected_exit = False
        self._new = threading.Condition()
        self.started = time.monotonic()
        # pylint: disable=subprocess-popen-preexec-fn
        self.popen = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for raw in self.popen.stdout:
            with self._new:
                self.lines.append((time.monotonic(), raw.decode("utf-8", "replace").rstrip("\n")))
                self._new.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    @property
    def text(self):
        """All it has said; of one that has ended, to its last line."""
        if not self.running:
            self._reader.join(2)
        return "\n".join(line for _, line in list(self.lines))

    def wait_for_line(self, needle, deadline, since=0):
        """The first (time, line) with needle in it, from index `since` on."""
        end = time.monotonic() + deadline
        with self._new:
            while True:
                for stamp, line in self.lines[since:]:
                    if needle in line:
                        return stamp, line
                left = end - time.monotonic()
                if left <= 0 or (not self.running and not self._reader.is_alive()):
                    raise AssertionError(
                        f"{self.title}: no line with {needle!r} within {deadline:g} s")
                self._new.wait(min(left, 0.2))

    def signal(self, number):
        if self.running:
            self.popen.send_signal(number)

    def stop(self):
        """SIGSTOP; returns when the kernel shows every thread as stopped."""
        self.signal(signal.SIGSTOP)
        self.stopped = True
        end = time.monotonic() + 2
        while time.monotonic() < end and self.state() not in ("T", "t", ""):
            time.sleep(0.002)

    def cont(self):
        self.signal(signal.SIGCONT)
        self.stopped = False

    def state(self):
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as f:
                return f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            return ""

    def wait(self, deadline):
        code = self.popen.wait(deadline)
        self._reader.join(2)
        return code

    def kill(self):
        """kill -9, and gone when this returns."""
        self.expected_exit = True
        if self.running:
            self.popen.kill()
        self.stopped = False
        return self.wait(10)

    def term(self, deadline=10):
        """SIGTERM; the exit status. A process that does not end in time is killed and an error."""
        self.expected_exit = True
        if self.stopped:
            self.cont()
        self.signal(signal.SIGTERM)
        return self.ended(deadline)

    def ended(self, deadline):
        """The exit status of a process that was told to end."""
        try:
            return self.wait(deadline)
        except subprocess.TimeoutExpired as late:
            self.popen.kill()
            self.wait(10)
            raise AssertionError(f"{self.title} did not end within {deadline} s of SIGTERM") from late

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
