"""Event, Lock and ThreadSafeFlag."""

import io

from . import core

_POLL = 3


class Event:
    def __init__(self):
        self.state = False
        self.waiting = core.TaskQueue()

    def is_set(self):
        return self.state

    def set(self):
        self.state = True
        while self.waiting.peek():
            core._task_queue.push(self.waiting.pop())

    def clear(self):
        self.state = False

    async def wait(self):
        if not self.state:
            task = core.cur_task
            self.waiting.push(task)
            task.data = self.waiting
            yield
        return True


class ThreadSafeFlag(io.IOBase):
    """May be set by an interrupt: the loop asks for it, as for a stream."""

    def __init__(self):
        self.state = 0

    def ioctl(self, request, flags):
        return self.state * flags if request == _POLL else -22

    def set(self):
        self.state = 1

    def clear(self):
        self.state = 0

    async def wait(self):
        if not self.state:
            yield core._io_queue.queue_read(self)
        self.state = 0


class Lock:
    def __init__(self):
        self.held = False
        self.next = None  # a task that was woken up to take it
        self.waiting = core.TaskQueue()

    def locked(self):
        return self.held

    def release(self):
        if not self.held:
            raise RuntimeError("Lock not acquired")
        self.held = False
        if self.waiting.peek():
            self.next = self.waiting.pop()
            core._task_queue.push(self.next)

    async def acquire(self):
        task = core.cur_task
        if self.held or self.next is not None:
            self.waiting.push(task)
            task.data = self.waiting
            try:
                yield
            except core.CancelledError as error:
                if self.next is task:
                    self.held = True
                    self.next = None
                    self.release()
                raise error
            self.next = None
        self.held = True
        return True

    async def __aenter__(self):
        return await self.acquire()

    async def __aexit__(self, kind, value, trace):
        self.release()
