"""Module `errno`: names of system errors (manual 1.1.8)."""

from __future__ import annotations

from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import FixedDict, Module

CODES = {
    "EPERM": 1,
    "ENOENT": 2,
    "EIO": 5,
    "EBADF": 9,
    "EAGAIN": 11,
    "ENOMEM": 12,
    "EACCES": 13,
    "EEXIST": 17,
    "ENODEV": 19,
    "EISDIR": 21,
    "EINVAL": 22,
    "EOPNOTSUPP": 95,
    "EADDRINUSE": 98,
    "ECONNABORTED": 103,
    "ECONNRESET": 104,
    "ENOBUFS": 105,
    "ENOTCONN": 107,
    "ETIMEDOUT": 110,
    "ECONNREFUSED": 111,
    "EHOSTUNREACH": 113,
    "EALREADY": 114,
    "EINPROGRESS": 115,
}
NAMES = {number: name for name, number in CODES.items()}


def build(runtime: Runtime) -> Module:
    return Module("uerrno", {**CODES, "errorcode": FixedDict(NAMES)})
