"""Waiting on conditions. No test sleeps for a time and hopes: it says what it waits for."""

import time


class Timeout(AssertionError):
    """A condition did not come true in time; the text names it and what was seen last."""


def wait_until(condition, deadline, what, every=0.02):
    """Calls condition() until it returns something true, which is returned.

    deadline: seconds from now. what: the condition in words, for the failure's text. An exception
    of condition() counts as "not yet" and is shown if the time runs out."""
    end = time.monotonic() + deadline
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, KeyError, ValueError) as error:
            last = error
        if time.monotonic() >= end:
            raise Timeout(f"waited {deadline:g} s in vain for: {what}; last seen: {last!r}")
        time.sleep(every)


def holds_for(condition, seconds, what, every=0.05):
    """Asserts that condition() is true now and at every look during the given time."""
    end = time.monotonic() + seconds
    while True:
        seen = condition()
        assert seen, f"did not hold: {what}; seen: {seen!r}"
        if time.monotonic() >= end:
            return
        time.sleep(every)
