"""What stands around the instructions: the signature of a function, its line-number table."""

from __future__ import annotations

from mpy_cross.emitters.body import Body
from mpy_cross.loader.ops import FunctionOps
from mpy_cross.loader.prelude import encode_signature


def signature(function: FunctionOps, body: Body) -> bytes:
    """The signature word of the prelude.  Even an idle function has one state slot, which an
    exception uses on its way out."""
    n_state = max(1, function.n_locals + body.max_depth)
    return encode_signature(
        n_state,
        function.exc_stack_size,
        function.flags,
        function.n_pos_args,
        function.n_kwonly_args,
        function.n_def_pos_args,
    )


def line_table(lines: list[tuple[int, int]]) -> bytes:
    """The line-number table for (position, line) pairs in order (py/bc.h).

    Each entry skips bytes of code and lines: `0LLBBBBB`, or `1LLLBBBB LLLLLLLL` for many lines.
    """
    out = bytearray()
    last_position = 0
    last_line = 1
    for position, line in lines:
        n_bytes = position - last_position
        n_lines = line - last_line
        last_position = position
        last_line = line
        while n_bytes or n_lines:
            if n_lines <= 6 or n_bytes > 0xF:
                skip = min(n_bytes, 0x1F)
                # lines can be skipped only once all bytes are
                step = 0 if skip < n_bytes else min(n_lines, 3)
                out.append(skip | step << 5)
            else:
                skip = min(n_bytes, 0xF)
                step = min(n_lines, 0x7FF)
                out.append(0x80 | skip | step >> 4 & 0x70)
                out.append(step & 0xFF)
            n_bytes -= skip
            n_lines -= step
    return bytes(out)
