"""Module `uasyncio` (manual 1.1.23), for programs on the emulated board."""

from .core import (
    CancelledError,
    IOQueue,
    Loop,
    Task,
    TaskQueue,
    TimeoutError,
    create_task,
    current_task,
    get_event_loop,
    new_event_loop,
    run,
    run_until_complete,
    sleep,
    sleep_ms,
)
from .funcs import gather, wait_for, wait_for_ms
from .sync import Event, Lock, ThreadSafeFlag
from .stream import Server, Stream, StreamReader, StreamWriter, open_connection, start_server

__version__ = (3, 0, 0)
