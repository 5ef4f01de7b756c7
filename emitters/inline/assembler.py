"""What the inline assemblers share: passes, labels, directives, the reading of arguments."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mpy_cross.assembler.isa import Row
from mpy_cross.emitters.inline.extension import Extension
from mpy_cross.emitters.inline.operands import described
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.loader.inline import ArgKind, InlineArg, InlineCode, InlineStatement
from mpy_cross.loader.release import Release

WORD_MASK = 0xFFFF_FFFF
MOVED = "label '{}' moved: a branch before it needs its long form, which this release cannot do"
DIRECTIVES = ("label", "align", "data")


class InlineAssembler(ABC):
    """Assembles the statements of one function into a machine's buffer.

    As in the reference, an instruction with bad arguments is assembled all the same, with zeros for
    what is bad; the last complaint about it is the one reported.  What the reference refuses may
    still be an instruction beyond its own set, unless the function is to be strict.
    """

    __slots__ = (
        "defined",
        "error",
        "extension",
        "final",
        "label_names",
        "lines",
        "machine",
        "operand",
        "release",
        "settled",
        "strict",
        "unsupported",
    )

    n_passes = 2

    def __init__(self, machine: Machine, release: Release) -> None:
        self.machine = machine
        self.release = release
        self.error: NativeError | None = None
        self.label_names: list[str] = []
        """Names by label number, "" where the label was not met yet."""
        self.defined: set[str] = set()
        """The names of all labels of the function."""
        self.final = False
        self.strict = False
        self.extension: Extension | None = None
        self.operand = 0
        """Number of the argument that is being read, from 1."""
        self.unsupported = False
        """The complaint is that there is no such instruction with so many arguments."""
        self.settled = False
        """The complaint is about a label: the instruction is the reference's."""
        self.lines: list[tuple[int, int]] = []
        """(offset, source line) of each statement."""

    def assemble(self, code: InlineCode) -> int:
        """Fill the machine's buffer; returns the number of parameters.  Raises NativeError."""
        self.strict = code.strict
        if not code.strict and self.extension is None:
            self.extension = self.make_extension()
        self.defined = {item.args[0].text for item in code.statements if item.name == "label"}
        n_labels = sum(statement.name == "label" for statement in code.statements)
        # Before it is known where a label is, the first one stands for it, be there any or not.
        self.machine.start_function(max(1, n_labels))
        for number in range(self.n_passes):
            self.final = number == self.n_passes - 1
            if not self.final:
                self.label_names = [""] * n_labels
            self.machine.start_pass(self.final)
            self.enter()
            if number == 0:
                self.check_params(code.params)
                self._raise_error(code.line)
            try:
                self._statements(code)
            except NativeError as error:
                if number + 2 < self.n_passes:  # the next pass begins all the same, and ends there
                    error.line = code.line
                raise
            self.leave()
            self._raise_error(code.line)
            self.machine.end_pass()
        return len(code.params)

    def _statements(self, code: InlineCode) -> None:
        n_labels = 0
        self.lines = []
        for statement in code.statements:
            self.lines.append((self.machine.position, statement.line))
            if statement.name not in DIRECTIVES:
                self._instruction(statement)
                self._raise_error(statement.args_line)
                continue
            if statement.name == "label":
                name = statement.args[0].text
                if not self.final and name in self.label_names:
                    self.fail("label redefined")
                self.label_names[n_labels] = name
                if self.final and self.machine.labels[n_labels] != self.machine.position:
                    # The reference aborts here: a branch that it took for a short one, back to
                    # the first label, is a long one.
                    self.error = NativeError("RuntimeError", MOVED.format(name))
                self.machine.place_label(n_labels)
                n_labels += 1
            elif statement.name == "align":
                self._align(statement.args[0].value)
            else:
                self._data(statement)
            self._raise_error(statement.line)

    def _instruction(self, statement: InlineStatement) -> None:
        """The reference's instruction, else one of the table's."""
        start = self.machine.position
        self.operand = 0
        self.unsupported = self.settled = False
        try:
            self.instruction(statement.name, statement.args)
        except NativeError as error:  # one for which the reference names no line
            if not self.strict:
                error.note = self._where(statement, start)
            raise
        if self.error is None or self.settled or self.strict or self.extension is None:
            return
        code = self.extension.assemble(
            statement.name, statement.args, start, self._place_of, not self.unsupported
        )
        if code is None:
            ours = self.extension
            note = ours.note or self.error.note or ours.forms
            self.error.note = "; ".join(filter(None, (note, ours.wide)))
            return
        self.error = None
        del self.machine.code[start:]
        self.machine.put(code)

    def _where(self, statement: InlineStatement, start: int) -> str:
        label = statement.args[-1].text
        text = f"line {statement.line}: {statement.name}"
        if label not in self.label_names:
            return text
        distance = self.machine.labels[self.label_names.index(label)] - start
        return f"{text}, label '{label}' is {distance} bytes away"

    def _place_of(self, name: str) -> int | None:
        """Where a label is, None if that is not known yet.  Raises KeyError."""
        if name in self.label_names:
            return self.machine.labels[self.label_names.index(name)]
        if name not in self.defined:
            raise KeyError(name)
        return None

    def _align(self, size: int) -> None:
        """Pad to a multiple of a power of two; other sizes give what their bits give."""
        if size > 0:
            position = self.machine.position
            self.machine.put(bytes((position + size - 1 & ~(size - 1)) - position))

    def _data(self, statement: InlineStatement) -> None:
        size = statement.args[0].value
        for arg in statement.args[1:]:
            if not (arg.small or (arg.kind == ArgKind.INT and self.release.inline_big_data)):
                self.fail("'data' requires integer arguments")
                return
            # A 64-bit register holds the value in the reference, and what is wider is zeros.
            self.machine.data(max(0, size), arg.value & 0xFFFF_FFFF_FFFF_FFFF)

    def _raise_error(self, line: int) -> None:
        if self.error is not None:
            self.error.line = line
            raise self.error

    # --- what an architecture adds

    @abstractmethod
    def enter(self) -> None:
        """The start of the function."""

    @abstractmethod
    def leave(self) -> None:
        """The end of the function."""

    @abstractmethod
    def check_params(self, params: tuple[InlineArg, ...]) -> None:
        """Complain about parameters that are not the registers of the calling convention."""

    @abstractmethod
    def instruction(self, name: str, args: tuple[InlineArg, ...]) -> None:
        """Assemble one instruction, or complain."""

    @abstractmethod
    def make_extension(self) -> Extension | None:
        """The instructions beyond the reference's, None if there are none."""

    # --- arguments

    def fail(self, message: str, note: str = "") -> int:
        """Complain, with our own remark on it; returns 0, which stands for the bad argument."""
        self.error = NativeError("SyntaxError", message)
        if not self.strict:
            self.error.note = note
        return 0

    def refuse(self, name: str, arg: InlineArg, message: str, allowed: str) -> int:
        """Complain about the argument that is being read."""
        found = described(arg)
        return self.fail(message, f"operand {self.operand} of {name} is {found}, allowed {allowed}")

    def fail_label(self, message: str, note: str = "") -> int:
        """Complain about a label, of an instruction that is right but for it."""
        self.settled = True
        return self.fail(message, note)

    def integer(self, name: str, arg: InlineArg, mask: int) -> int:
        """An integer within `mask`; negative ones count as 32-bit words."""
        if arg.kind != ArgKind.INT:
            return self.refuse(name, arg, f"'{name}' expects an integer", mask_range(mask))
        value = arg.value & WORD_MASK
        if value & ~mask:
            message = f"'{name}' integer 0x{value:x} doesn't fit in mask 0x{mask:x}"
            return self.refuse(name, arg, message, mask_range(mask))
        return value

    def label(self, name: str, arg: InlineArg) -> int:
        """A label number; labels further down are known in later passes only."""
        if arg.kind != ArgKind.NAME:
            return self.refuse(name, arg, f"'{name}' expects a label", "a label")
        if arg.text in self.label_names:
            return self.label_names.index(arg.text)
        if self.final:
            return self.fail_label(f"label '{arg.text}' not defined", self.known_labels())
        return 0

    def known_labels(self) -> str:
        """A note on the labels that there are."""
        names = ", ".join(self.label_names)
        return f"the labels of this function are {names}" if names else "this function has no label"

    @staticmethod
    def encoded(row: Row, fields: list[int]) -> int:
        """The word of an instruction, its fields as they are stored; higher bits are dropped."""
        word = row.match
        for operand, field in zip(row.operands, fields, strict=True):
            for low, bits, at in operand.pieces:
                word |= (field >> low & (1 << bits) - 1) << at
        return word

    def distance(self, label: int, origin: int) -> int:
        """From `origin` to a label, in bytes; any number if it is not known yet."""
        labels = self.machine.labels
        target = labels[label] if label < len(labels) else -1
        return target - origin


def mask_range(mask: int) -> str:
    """The integers that a mask of adjacent bits allows."""
    unit = mask & -mask
    return f"a multiple of {unit} in 0..{mask}" if unit > 1 else f"0..{mask}"
