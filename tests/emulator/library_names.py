"""Names that the manual documents for the built-in functions and modules of every board.

By module and by what has the names: a class, an expression that makes an object, "" for the module.
"""

from __future__ import annotations

from typing import Final

NAMES: Final[dict[tuple[str, str], str]] = {
    ("builtins", ""): (
        "AssertionError AttributeError EOFError Exception ImportError IndentationError IndexError "
        "KeyError KeyboardInterrupt MemoryError NameError NotImplementedError OSError "
        "RuntimeError StopIteration SyntaxError SystemExit TypeError ValueError ZeroDivisionError "
        "__debug__ abs all any bin bool bytearray bytes callable chr classmethod compile complex "
        "delattr dict dir divmod enumerate eval exec filter float frozenset getattr globals "
        "hasattr hash help hex id input int isinstance issubclass iter len list locals map max "
        "memoryview min next object oct open ord pow print property range repr reversed round set "
        "setattr slice sorted staticmethod str sum super tuple type zip"
    ),
    ("builtins", "OSError(1)"): (
        "errno"
    ),
    ("builtins", "StopIteration(1)"): (
        "value"
    ),
    ("builtins", "bytes"): (
        "decode format lstrip"
    ),
    ("builtins", "int"): (
        "from_bytes to_bytes"
    ),
    ("builtins", "str"): (
        "encode endswith format rsplit strip"
    ),
    ("array", ""): (
        "array"
    ),
    ("array", "array"): (
        "append extend"
    ),
    ("binascii", ""): (
        "a2b_base64 b2a_base64 hexlify unhexlify"
    ),
    ("cmath", ""): (
        "cos e exp log log10 phase pi polar rect sin sqrt"
    ),
    ("collections", ""): (
        "OrderedDict deque namedtuple"
    ),
    ("collections", "deque"): (
        "append popleft"
    ),
    ("errno", ""): (
        "EAGAIN EEXIST EINVAL ENOENT ENOMEM EPERM ETIMEDOUT errorcode"
    ),
    ("gc", ""): (
        "collect disable enable mem_alloc mem_free threshold"
    ),
    ("hashlib", ""): (
        "md5 sha1 sha256"
    ),
    ("hashlib", "sha256()"): (
        "digest update"
    ),
    ("heapq", ""): (
        "heapify heappop heappush"
    ),
    ("io", ""): (
        "BytesIO FileIO IOBase StringIO TextIOWrapper open"
    ),
    ("io", "BytesIO"): (
        "getvalue"
    ),
    ("io", "StringIO"): (
        "getvalue"
    ),
    ("io", "BytesIO()"): (
        "close flush read readinto seek write"
    ),
    ("json", ""): (
        "dump dumps load loads"
    ),
    ("math", ""): (
        "acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh degrees e erf erfc exp "
        "expm1 fabs factorial floor fmod frexp gamma isclose isfinite isinf isnan ldexp lgamma "
        "log log10 log2 modf pi pow radians sin sinh sqrt tan tanh trunc"
    ),
    ("micropython", ""): (
        "alloc_emergency_exception_buf const heap_lock heap_locked heap_unlock kbd_intr mem_info "
        "opt_level qstr_info schedule stack_use"
    ),
    ("os", ""): (
        "VfsFat VfsLfs2 chdir getcwd ilistdir listdir mkdir mount remove rename rmdir "
        "stat statvfs sync umount uname urandom"
    ),
    ("os", "VfsFat"): (
        "mkfs"
    ),
    ("os", "VfsLfs2"): (
        "mkfs"
    ),
    ("os", "uname()"): (
        "machine nodename release sysname version"
    ),
    ("random", ""): (
        "choice getrandbits randint random randrange seed uniform"
    ),
    ("re", ""): (
        "DEBUG compile match search sub"
    ),
    ("re", 'match("a", "a")'): (
        "end group groups span start"
    ),
    ("re", 'compile("a")'): (
        "match search split sub"
    ),
    ("select", ""): (
        "POLLERR POLLHUP POLLIN POLLOUT poll select"
    ),
    ("select", "poll()"): (
        "ipoll modify poll register unregister"
    ),
    ("struct", ""): (
        "calcsize pack pack_into unpack unpack_from"
    ),
    ("sys", ""): (
        "argv atexit byteorder exit implementation maxsize modules path platform print_exception "
        "stderr stdin stdout version version_info"
    ),
    ("sys", "implementation"): (
        "mpy name version"
    ),
    ("time", ""): (
        "gmtime localtime mktime sleep sleep_ms sleep_us ticks_add ticks_cpu ticks_diff ticks_ms "
        "ticks_us time time_ns"
    ),
    ("uasyncio", ""): (
        "CancelledError Event Lock Loop Server Stream StreamReader StreamWriter Task "
        "ThreadSafeFlag TimeoutError create_task current_task gather get_event_loop "
        "new_event_loop open_connection run sleep sleep_ms start_server wait_for wait_for_ms"
    ),
    ("uasyncio", "Event"): (
        "clear is_set set wait"
    ),
    ("uasyncio", "Lock"): (
        "acquire locked release"
    ),
    ("uasyncio", "Loop"): (
        "call_exception_handler close create_task default_exception_handler get_exception_handler "
        "run_forever run_until_complete set_exception_handler stop"
    ),
    ("uasyncio", "Server"): (
        "close wait_closed"
    ),
    ("uasyncio", "Stream"): (
        "close drain get_extra_info read readexactly readinto readline wait_closed write"
    ),
    ("uasyncio", "Task"): (
        "cancel"
    ),
    ("uasyncio", "ThreadSafeFlag"): (
        "set wait"
    ),
    ("uctypes", ""): (
        "ARRAY BFINT16 BFINT32 BFINT8 BFUINT16 BFUINT32 BFUINT8 BF_LEN BF_POS BIG_ENDIAN FLOAT32 "
        "FLOAT64 INT16 INT32 INT64 INT8 LITTLE_ENDIAN NATIVE PTR UINT16 UINT32 UINT64 UINT8 VOID "
        "addressof bytearray_at bytes_at sizeof struct"
    ),
    ("zlib", ""): (
        "DecompIO DecompressIO decompress"
    ),
}
U_NAMES: Final = (
    "array binascii collections errno hashlib heapq io json os random re select struct sys time"
    " zlib"
)
"""Modules that have a second name with a u."""
ABSENT: Final[dict[tuple[str, str], str]] = {
    ("builtins", "int"): "bit_length",
    ("builtins", "str"): "ljust rjust",
    ("hashlib", "sha256()"): "hexdigest",
    ("os", ""): "environ VfsLfs1 AbstractBlockDev",
    ("sys", ""): "settrace",
}
"""Names of which the manual says that boards do not have them, or only those built so."""
