"""What an operation on known numbers comes to, and what is known of a value."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.ir import BRANCH, CONDITIONS, WORD, Block, Value, signed


def compare(cond: str, x: int, y: int) -> bool:
    """Whether two words compare like that."""
    if cond in ("lt", "le", "gt", "ge"):
        x, y = signed(x), signed(y)
    if cond == "eq":
        return x == y
    if cond == "ne":
        return x != y
    if cond in ("lt", "lo"):
        return x < y
    if cond in ("le", "ls"):
        return x <= y
    if cond in ("gt", "hi"):
        return x > y
    return x >= y


def compute(op: str, x: int, y: int) -> int | None:
    """The word that a binary operation on two words gives; None if it is not such an operation."""
    if op == "add":
        return (x + y) & WORD
    if op == "sub":
        return (x - y) & WORD
    if op == "mul":
        return (x * y) & WORD
    if op == "and":
        return x & y
    if op == "or":
        return x | y
    if op == "xor":
        return x ^ y
    if op in ("shl", "lsr", "asr"):
        count = y & 0xFF
        if op == "asr":
            return signed(x) >> min(count, 31) & WORD
        if count > 31:
            return 0
        return x << count & WORD if op == "shl" else x >> count
    if op in CONDITIONS:
        return int(compare(op, x, y))
    if op == "umulh":
        return x * y >> 32
    if op == "smulh":
        return signed(x) * signed(y) >> 32 & WORD
    return _divide(op, x, y)


def _divide(op: str, x: int, y: int) -> int | None:
    if op == "udiv":
        return x // y if y else 0
    if op == "urem":
        return x % y if y else x
    x, y = signed(x), signed(y)
    if op == "floordiv":
        return x // y & WORD if y else 0
    if op == "floormod":
        return (x % y if y else x) & WORD
    if op == "sdiv":
        if not y:
            return 0
        quotient = abs(x) // abs(y)
        return (quotient if (x < 0) == (y < 0) else -quotient) & WORD
    return None


def bits_of(value: Value, depth: int = 4) -> int:
    """How many of the lowest bits of a value may be set."""
    op = value.op
    if op == "const":
        return value.imm.bit_length()
    if op in ("load8", "loadx8"):
        return 8
    if op in ("load16", "loadx16", "field16"):
        return 16
    if op in CONDITIONS:
        return 1
    if depth:
        args = value.args
        if op == "and":
            return min(bits_of(args[0], depth - 1), bits_of(args[1], depth - 1))
        if op in ("or", "xor"):
            return max(bits_of(args[0], depth - 1), bits_of(args[1], depth - 1))
        if op == "add":
            return min(32, 1 + max(bits_of(args[0], depth - 1), bits_of(args[1], depth - 1)))
        if op == "mul":
            return min(32, bits_of(args[0], depth - 1) + bits_of(args[1], depth - 1))
        if op in ("lsr", "asr") and args[1].is_const and args[1].imm < 32:
            bits = bits_of(args[0], depth - 1)
            if bits < 32 or op == "lsr":
                return max(0, bits - args[1].imm)
        if op == "shl" and args[1].is_const and args[1].imm < 32:
            return min(32, bits_of(args[0], depth - 1) + args[1].imm)
        if op == "select":
            return max(bits_of(args[2], depth - 1), bits_of(args[3], depth - 1))
    return 32


def is_natural(value: Value, depth: int = 3) -> bool:
    """Whether a value, read with a sign, is known not to be negative."""
    if bits_of(value) < 32:
        return True
    if depth and value.op == "phi":
        block = value.block
        return all(
            _tested_natural(arg, pred, block) or _counts_up(arg, value, pred, block)
            or (arg is not value and is_natural(arg, depth - 1))
            for arg, pred in zip(value.args, block.preds, strict=True)
        )
    if depth and value.op in ("floordiv", "sdiv", "floormod"):
        return is_natural(value.args[0], depth - 1) and is_natural(value.args[1], depth - 1)
    if depth and value.op in ("asr", "and"):
        return is_natural(value.args[0], depth - 1)
    return False


def _tested_natural(value: Value, pred: Block, block: Block) -> bool:
    """Whether control comes this way only if the value is not negative."""
    while pred.term != BRANCH:
        if len(pred.preds) != 1:
            return False
        pred, block = pred.preds[0], pred
    if pred.succs[0] is pred.succs[1]:
        return False
    x, y = pred.targs
    if x is not value or not y.is_const:
        return False
    return _implies_natural(pred.cond, pred.succs[0] is block, signed(y.imm))


def _implies_natural(cond: str, holds: bool, limit: int) -> bool:
    if holds:
        return (cond == "gt" and limit >= -1) or (cond == "ge" and limit >= 0) \
            or (cond == "eq" and limit >= 0)
    return (cond == "lt" and limit >= 0) or (cond == "le" and limit >= -1)


def _counts_up(value: Value, phi: Value, pred: Block, block: Block) -> bool:
    """Whether a value is one more than the phi of its loop and less than something."""
    if value.op != "add" or value.args[0] is not phi or not value.args[1].is_const:
        return False
    if value.args[1].imm != 1 or pred.term != BRANCH or pred.succs[0] is pred.succs[1]:
        return False
    x, y = pred.targs
    if x is not value:
        return False
    # The number before the addition was less than the limit, or the loop would be over.
    if pred.succs[0] is block:
        return pred.cond == "lt" and entered_below(phi, y, pred)
    return pred.cond == "ge" and entered_below(phi, y, pred)


def entered_below(phi: Value, limit: Value, latch: Block) -> bool:
    """Whether the loop is entered only with a number less than the limit, so that one more than
    the number does not wrap."""
    block = phi.block
    for arg, pred in zip(phi.args, block.preds, strict=True):
        if pred is latch:
            continue
        while pred.term != BRANCH:
            if len(pred.preds) != 1:
                return False
            pred, block = pred.preds[0], pred
        x, y = pred.targs
        if x is arg and y is limit:
            cond, wanted = pred.cond, "lt"
        elif y is arg and x is limit:
            cond, wanted = pred.cond, "gt"
        elif x.is_const and y.is_const:
            return False
        else:
            return False
        if cond != wanted or pred.succs[0] is not block or pred.succs[1] is block:
            return False
    return True


ANY: Final = (-1 << 31, (1 << 31) - 1)


def interval(value: Value, depth: int = 4) -> tuple[int, int]:
    """The least and the greatest number, read with a sign, that a value can be."""
    op, args = value.op, value.args
    if op == "const":
        return signed(value.imm), signed(value.imm)
    bits = bits_of(value)
    known = (0, (1 << bits) - 1) if bits < 32 else ANY
    if not depth:
        return known
    low, high = known
    if op == "phi":
        found = [interval(arg, depth - 1) for arg in args]
        low, high = min(one for one, _ in found), max(one for _, one in found)
    elif op in ("add", "sub", "mul") or (op == "shl" and args[1].is_const and args[1].imm < 32):
        ends = corners(op, interval(args[0], depth - 1), interval(args[1], depth - 1))
        if ANY[0] <= ends[0] and ends[1] <= ANY[1]:
            low, high = ends
    elif op == "asr" and args[1].is_const and args[1].imm < 32:
        low, high = (end >> args[1].imm for end in interval(args[0], depth - 1))
    return max(low, known[0]), min(high, known[1])


def corners(op: str, x: tuple[int, int], y: tuple[int, int]) -> tuple[int, int]:
    """The ends of a sum, a difference, a product or a shift of intervals, of any size."""
    if op == "add":
        return x[0] + y[0], x[1] + y[1]
    if op == "sub":
        return x[0] - y[1], x[1] - y[0]
    ends = [a * b if op == "mul" else a << b for a in x for b in y]
    return min(ends), max(ends)
