"""Tasks, the queue of those that can run, and the loop."""

import select
import sys
from time import ticks_add, ticks_diff, ticks_ms as ticks


class CancelledError(BaseException):
    pass


class TimeoutError(Exception):
    pass


class TaskQueue:
    """Tasks in the order of their times; tasks of one time in the order they came."""

    def __init__(self):
        self.tasks = []

    def peek(self):
        return self.tasks[0] if self.tasks else None

    def push(self, task, when=None):
        if when is None:
            when = ticks()
        task.when = when
        task.data = None
        place = len(self.tasks)
        while place and ticks_diff(self.tasks[place - 1].when, when) > 0:
            place -= 1
        self.tasks.insert(place, task)

    def pop(self):
        return self.tasks.pop(0)

    def remove(self, task):
        self.tasks.remove(task)

    # Names of earlier releases.
    push_sorted = push
    push_head = push
    pop_head = pop


class Task:
    """A coroutine that runs by itself.

    data: where it waits (a queue, or another task), what is to be thrown into it, or, when it has
    ended, the exception that ended it.  seen: somebody asked for the result.
    """

    def __init__(self, coro, globals=None):
        self.coro = coro
        self.data = None
        self.ended = False
        self.seen = False
        self.waiters = TaskQueue()
        self.when = 0

    def __iter__(self):
        self.seen = True
        return self

    def __next__(self):
        if self.ended:
            raise self.data
        self.waiters.push(cur_task)
        cur_task.data = self

    def done(self):
        return self.ended

    def cancel(self):
        if self.ended:
            return False
        if self is cur_task:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            _task_queue.push(task)
        elif ticks_diff(task.when, ticks()) > 0:
            _task_queue.remove(task)
            _task_queue.push(task)
        task.data = CancelledError
        return True


class _Pause:
    """Waits until a time.  There is one for all, so that sleeping takes no memory."""

    def __init__(self):
        self.until = None
        self.over = StopIteration()

    def __iter__(self):
        return self

    def __next__(self):
        until = self.until
        if until is None:
            self.over.__traceback__ = None
            raise self.over
        self.until = None
        _task_queue.push(cur_task, until)


def sleep_ms(t, pause=_Pause()):
    assert pause.until is None
    pause.until = ticks_add(ticks(), max(0, t))
    return pause


def sleep(t):
    return sleep_ms(int(t * 1000))


class IOQueue:
    """Tasks that wait for streams: for each stream one that reads and one that writes."""

    def __init__(self):
        self.poller = select.poll()
        self.map = {}  # by id of the stream: [reader, writer, stream]

    def _add(self, stream, side):
        entry = self.map.get(id(stream))
        if entry is None:
            entry = self.map[id(stream)] = [None, None, stream]
        assert entry[side] is None
        entry[side] = cur_task
        cur_task.data = self
        self._watch(entry)

    def _watch(self, entry):
        reader, writer, stream = entry
        mask = (select.POLLIN if reader else 0) | (select.POLLOUT if writer else 0)
        if mask:
            self.poller.register(stream, mask)
        else:
            del self.map[id(stream)]
            self.poller.unregister(stream)

    def queue_read(self, stream):
        self._add(stream, 0)

    def queue_write(self, stream):
        self._add(stream, 1)

    def remove(self, task):
        for entry in list(self.map.values()):
            for side in (0, 1):
                if entry[side] is task:
                    entry[side] = None
                    self._watch(entry)

    def wait_io_event(self, dt):
        for stream, events in self.poller.ipoll(dt):
            entry = self.map[id(stream)]
            for side, other in ((0, select.POLLOUT), (1, select.POLLIN)):
                # An error wakes both.
                if events & ~other and entry[side]:
                    _task_queue.push(entry[side])
                    entry[side] = None
            self._watch(entry)


def create_task(coro):
    if not hasattr(coro, "send"):
        raise TypeError("coroutine expected")
    task = Task(coro)
    _task_queue.push(task)
    return task


def as_task(awaitable):
    return awaitable if isinstance(awaitable, Task) else create_task(awaitable)


def _next_task():
    """Wait until a task can run; None if none ever can."""
    while True:
        task = _task_queue.peek()
        if task:
            delay = max(0, ticks_diff(task.when, ticks()))
        elif _io_queue.map:
            delay = -1
        else:
            return None
        _io_queue.wait_io_event(delay)
        task = _task_queue.peek()
        if task and ticks_diff(task.when, ticks()) <= 0:
            return _task_queue.pop()


def run_until_complete(main_task=None):
    global cur_task
    while True:
        task = _next_task()
        if task is None:
            return None
        cur_task = task
        if task.ended:
            # It came here again because nobody had asked for its exception.
            if not task.seen:
                _loop.call_exception_handler(
                    {
                        "message": "Task exception wasn't retrieved",
                        "exception": task.data,
                        "future": task,
                    }
                )
            continue
        try:
            thrown = task.data
            if thrown:
                task.data = None
                task.coro.throw(thrown)
            else:
                task.coro.send(None)
        except (CancelledError, Exception) as error:
            if task is main_task:
                if isinstance(error, StopIteration):
                    return error.value
                raise error
            _end(task, error)


def _end(task, error):
    task.ended = True
    waiting = False
    while task.waiters.peek():
        _task_queue.push(task.waiters.pop())
        waiting = True
    if not waiting and not isinstance(error, (CancelledError, StopIteration)):
        _task_queue.push(task)
    task.data = error


def run(coro):
    return run_until_complete(create_task(coro))


async def _nothing():
    pass


class Loop:
    def __init__(self):
        self._handler = None
        self._stopper = None

    def create_task(self, coro):
        return create_task(coro)

    def run_forever(self):
        self._stopper = Task(_nothing())
        run_until_complete(self._stopper)

    def run_until_complete(self, awaitable):
        return run_until_complete(as_task(awaitable))

    def stop(self):
        if self._stopper is not None:
            _task_queue.push(self._stopper)
            self._stopper = None

    def close(self):
        pass

    def set_exception_handler(self, handler):
        self._handler = handler

    def get_exception_handler(self):
        return self._handler

    def default_exception_handler(self, context):
        task = context["future"]
        print(context["message"])
        print("future:", task, "coro=", task.coro)
        sys.print_exception(context["exception"])

    def call_exception_handler(self, context):
        if self._handler is None:
            self.default_exception_handler(context)
        else:
            self._handler(self, context)


_loop = Loop()


def get_event_loop(runq_len=0, waitq_len=0):
    return _loop


def current_task():
    return cur_task


def new_event_loop():
    global _task_queue, _io_queue, cur_task
    _task_queue = TaskQueue()
    _io_queue = IOQueue()
    cur_task = None
    return _loop


new_event_loop()
