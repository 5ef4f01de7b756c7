"""The text form of the SSA form, written and read.

    function f
    b0:
      v0 = livein.obj #3
      v1 = call.int v0, v0, #3
      jmp b1
    b1: preds b0, b1
      v2 = phi.int v1, v3
      v3 = add.int v2, v2
      br lt v3, v1 -> b1, b2
    b2: cold preds b1
      ret v0
"""

from __future__ import annotations

import re
from typing import Final, final

from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    CONDITIONS,
    DEAD,
    FLOAT,
    JUMP,
    OPEN,
    OPS,
    RETURN,
    TYPES,
    Block,
    Function,
    Value,
    signed,
)


def function_text(function: Function) -> str:
    """The text of a function, with values numbered in order."""
    lines = [f"function {function.name}" + (" handler" if function.has_handler else "")
             + (" tagged" if function.tagged else "")]
    if function.n_frame:
        lines.append(f"frame {function.n_frame}")
    numbers: dict[Value, int] = {}
    for block in function.blocks:
        for value in (*block.phis, *block.values):
            if OPS[value.op].has_result:
                numbers[value] = len(numbers)
    places = {block: number for number, block in enumerate(function.blocks)}
    for block in function.blocks:
        cold = " cold" if block.is_cold else ""
        preds = ", ".join(f"b{places.get(p, '?')}" for p in block.preds)
        lines.append(f"b{places[block]}:{cold}" + (f" preds {preds}" if preds else ""))
        for value in (*block.phis, *block.values):
            lines.append("  " + value_text(value, numbers))
        lines.append("  " + _terminator(block, numbers, places))
    return "\n".join(lines) + "\n"


def _name(value: Value, numbers: dict[Value, int]) -> str:
    return f"v{numbers[value]}" if value in numbers else "v?"


def value_text(value: Value, numbers: dict[Value, int]) -> str:
    """One instruction."""
    info = OPS[value.op]
    parts = [_name(arg, numbers) for arg in value.args]
    if value.op == "select":
        parts.insert(0, CONDITIONS[value.imm])
    elif info.has_imm:
        parts.append(f"#{signed(value.imm)}")
    text = " ".join((value.op, ", ".join(parts))).rstrip()
    if info.has_result:
        text = f"{_name(value, numbers)} = {value.op}.{value.type} {', '.join(parts)}".rstrip()
    return text


def _terminator(block: Block, numbers: dict[Value, int], places: dict[Block, int]) -> str:
    to = ", ".join(f"b{places.get(s, '?')}" for s in block.succs)
    args = ", ".join(_name(arg, numbers) for arg in block.targs)
    if block.term == JUMP:
        return f"jmp {to}"
    if block.term == BRANCH:
        return f"br {block.cond} {args} -> {to}"
    if block.term == RETURN:
        return f"ret {args}".rstrip()
    return block.term or "?"


# ------------------------------------------------------------------------------------------ reading

_BLOCK: Final = re.compile(r"b(\d+):( cold)?(?: preds (.*))?")
_VALUE: Final = re.compile(r"(?:v(\d+) = )?([a-z]+\d*)(?:\.([a-z]+\d*))?(?: (.*))?")
_BRANCH: Final = re.compile(r"br ([a-z]+) v(\d+), v(\d+) -> b(\d+), b(\d+)")


@final
class TextError(ValueError):
    """The text is no function; says which line."""


def parse_function(text: str) -> Function:
    """Read what `function_text` writes.  Raises TextError."""
    lines = [line.split(";")[0].rstrip() for line in text.splitlines()]
    lines = [line for line in lines if line.strip()]
    if not lines or not lines[0].startswith("function "):
        raise TextError("a function begins with `function NAME`")
    words = lines[0].split()
    function = Function(words[1])
    function.has_handler = "handler" in words[2:]
    function.tagged = "tagged" in words[2:]
    blocks: dict[int, Block] = {}
    values: dict[int, Value] = {}
    todo: list[tuple[str, Value, list[str]]] = []
    ends: list[tuple[str, Block]] = []
    preds: list[tuple[Block, str]] = []
    block: Block | None = None
    for line in lines[1:]:
        found = _BLOCK.fullmatch(line)
        if found:
            block = blocks[int(found[1])] = function.new_block()
            block.is_cold = bool(found[2])
            preds.append((block, found[3] or ""))
        elif line.startswith("frame "):
            function.n_frame = int(line[6:])
        elif block is None:
            raise TextError(f"{line}: no block yet")
        elif line.split()[0] in (JUMP, BRANCH, RETURN, DEAD):
            ends.append((line.strip(), block))
        else:
            _read_value(line.strip(), function, block, values, todo)
    for line, value, names in todo:
        value.args += [_look_up(line, values, name) for name in names]
    for line, block in ends:
        _read_end(line, block, blocks, values)
    for block, names_text in preds:
        names = [name for name in names_text.split(", ") if name]
        block.preds = [blocks[int(name[1:])] for name in names]
    return function


def _look_up(line: str, values: dict[int, Value], name: str) -> Value:
    if not re.fullmatch(r"v\d+", name) or int(name[1:]) not in values:
        raise TextError(f"{line}: what is {name}?")
    return values[int(name[1:])]


def _read_value(
    line: str,
    function: Function,
    block: Block,
    values: dict[int, Value],
    todo: list[tuple[str, Value, list[str]]],
) -> None:
    found = _VALUE.fullmatch(line)
    if not found or found[2] not in OPS or (found[3] or "int") not in (*TYPES, FLOAT):
        raise TextError(f"{line}: no such instruction")
    number, op, vtype, rest = found.groups()
    names = [name for name in (rest or "").split(", ") if name]
    imm = 0
    if op == "select":
        cond, names[0] = names[0].split() if " " in names[0] else (names.pop(0), names[0])
        if cond not in CONDITIONS:
            raise TextError(f"{line}: no condition {cond}")
        imm = CONDITIONS.index(cond)
    elif OPS[op].has_imm:
        if not names or not names[-1].startswith("#"):
            raise TextError(f"{line}: a number is missing")
        imm = int(names.pop()[1:], 0)
    value = function.new_value(op, vtype or "int", [], imm & 0xFFFFFFFF, block)
    if op in MEMORY:
        value.imm = signed(imm)
    (block.phis if op == "phi" else block.values).append(value)
    if number is not None:
        values[int(number)] = value
    todo.append((line, value, names))


MEMORY: Final = ("load8", "load16", "load32", "store8", "store16", "store32")
"""Operations whose number is an offset with a sign."""


def _read_end(
    line: str, block: Block, blocks: dict[int, Block], values: dict[int, Value]
) -> None:
    word, _, rest = line.partition(" ")
    if block.term != OPEN:
        raise TextError(f"{line}: the block has ended before")
    block.term = word
    if word == JUMP:
        block.succs = [blocks[int(rest[1:])]]
    elif word == BRANCH:
        found = _BRANCH.fullmatch(line)
        if not found:
            raise TextError(f"{line}: write br COND vX, vY -> bX, bY")
        block.cond = found[1]
        block.targs = [_look_up(line, values, f"v{found[i]}") for i in (2, 3)]
        block.succs = [blocks[int(found[i])] for i in (4, 5)]
    elif word == RETURN:
        block.targs = [_look_up(line, values, rest)]
