"""The record of a release: a field for every behaviour that changed between releases."""

# Without `from __future__ import annotations`: named tuples compile annotations that are texts,
# one by one, and here are many.

from enum import IntEnum
from typing import NamedTuple, final

from mpy_cross.loader.builtin_qstrs import QSTRS_1_12
from mpy_cross.loader.filesystems import FILESYSTEMS_1_12, FilesystemFacts
from mpy_cross.loader.fun_table import FUN_TABLE_1_12
from mpy_cross.loader.language import LANGUAGE_1_12, LanguageFacts
from mpy_cross.loader.library import LIBRARY_1_12, LibraryFacts
from mpy_cross.loader.prompt import PROMPT_1_12, PromptFacts


class FloatPrinter(IntEnum):
    """How a release turns a double into text (py/formatfloat.c)."""

    SCALE = 0  # scale into 1..10 by a table of powers of ten, then 16 digits, none exact
    SUBTRACT = 1  # subtract powers of ten from the value, 16 digits
    SHORTEST = 2  # try 16 to 19 digits, with a search, until the text reads back as the value


class FloatReader(IntEnum):
    """How a release turns a decimal literal into a double (py/parsenum.c)."""

    DIGITS = 0  # a double takes digits up to 1e200, then one power of ten
    LATE_ZEROS = 1  # the same, but zeros at the end never enter the double
    MANTISSA = 2  # a 64-bit integer takes digits, then one power of ten
    EXTENDED = 3  # a 64-bit integer takes digits, then powers of ten of 80-bit floats


class RiscvIndex(IntEnum):
    """How RV32 viper code adds a register index to a pointer (py/asmrv32.c)."""

    WORDS = 0  # only for words: the scaled index in a temporary, added to the pointer
    IN_PLACE = 1  # both the index and the pointer are overwritten
    SHORT = 2  # the same in shorter instructions, or one of Zba
    TEMPORARY = 3  # the sum goes to a temporary


ARCHS_1_12 = (
    "none",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
)

ASM_ARCHS_1_12 = ARCHS_1_12[ARCHS_1_12.index("armv6") : ARCHS_1_12.index("xtensawin")]

MARCH_1_12 = ARCHS_1_12[1:]

OPTIMISED_1_12 = ARCHS_1_12[ARCHS_1_12.index("armv6m") :]


@final
class Release(NamedTuple):
    """One MicroPython release.  A comment at each field names the release that changed it."""

    version: str
    """Such as "1.17"."""
    mpy_version: int
    """.mpy format: 5 for 1.12 to 1.18, 6 from 1.19."""
    mpy_sub_version: int
    """Sub-version of native code: 0 for 1.19, 1 for 1.20-1.21, 2 for 1.22, 3 from 1.23."""
    # --- container
    qstr_window: int = 32
    """Size of the qstr window of version 5; 0 from 1.19: version 6 has no window."""
    archs: tuple[str, ...] = ARCHS_1_12
    """Native architectures by number; 1.24 added rv32imc, 1.27 rv64imc.  The last one from 1.24 on
    is debug, of which there is no board."""
    arch_flags: bool = False
    """1.27: a file may carry flags of its architecture (bit 6 of the feature byte)."""
    native_refusal: str = "incompatible .mpy arch"
    """What a board without native code says; 1.20: "native code in .mpy unsupported"."""
    float_printer: FloatPrinter = FloatPrinter.SCALE
    """How float constants are written; changed by 1.20 and 1.26."""
    # --- run-time
    str_converts_operand: bool = True
    """`"a" + 1` says that int cannot become str; 1.21: that + does not take the two types."""
    language: LanguageFacts = LANGUAGE_1_12
    """What objects do at run time; changed by 1.19 to 1.21 and 1.23 to 1.27."""
    next_default: bool = False
    """1.25: `next()` takes a second argument on all boards."""
    implementation: tuple[str, ...] = ("mpy",)
    """What `sys.implementation` has after name and version: from 1.19 `_machine` and `_mpy` in
    place of `mpy`; 1.25 added `_build`, 1.26 `_thread`."""
    small_thumb_arch: str = "armv7m"
    """Which machine code a core without Thumb-2 says that it runs; 1.19: armv6m."""
    version_has_level: bool = False
    """`sys.implementation.version` has a fourth element, "" in a release; from 1.22."""
    version_in_sys: bool = False
    """`sys.version` names the release, and there are `sys.ps1` and `sys.ps2`; from 1.19."""
    help_names_docs: bool = False
    """`help()` of boards points to the documentation, not to a page of help; from 1.21."""
    generic_esp32: bool = False
    """The name of boards with any ESP32 module begins with "Generic"; from 1.21."""
    date: str = "2019-12-20"
    """Day of the release, which banners show."""
    filesystems: FilesystemFacts = FILESYSTEMS_1_12
    """Filesystems and block devices; changed by 1.19, 1.20, 1.22, 1.23, 1.24, 1.25 and 1.26."""
    library: LibraryFacts = LIBRARY_1_12
    """Modules of boards; changed by 1.18, 1.20, 1.21, 1.22, 1.24, 1.25 and 1.26."""
    prompt: PromptFacts = PROMPT_1_12
    """The interactive prompt: most releases changed something."""
    proto_functions: bool = False
    """In memory, bytecode without children stands for itself, and what stands for other code
    begins with two zero bytes; from 1.23."""
    # --- command line
    march: tuple[str, ...] = MARCH_1_12
    """What -march= takes: 1.20 added host, 1.24 rv32imc and debug, 1.27 rv64imc.

    The manual lists armv6m at every release (2.4.1), though the tool took it from 1.19 only.
    """
    optimised: tuple[str, ...] = OPTIMISED_1_12
    """Architectures whose machine code is optimised at level 2 where no level is named: those for
    which the optimised code of the release has passed its checks.  The same at all releases."""
    march_flags: tuple[str, ...] = ()
    """Names that -march-flags= takes for rv32imc, by bit; 1.27 added zba, 1.28 zcmp."""
    unicode_option: bool = True
    """-municode and -mno-unicode exist; 1.19 removed them."""
    cache_lookup_option: bool = True
    """-mcache-lookup-bc and -mno-cache-lookup-bc exist; 1.18 removed them."""
    source_lines_option: bool = False
    """-X source-lines and -X no-source-lines exist; 1.29 added them."""
    backslash_paths: bool = False
    """A backslash in a file name means a slash, on every host; from 1.20."""
    open_error_names_file: bool = False
    """An OSError at opening a file has a text with its name, not just a number; from 1.20."""
    three_part_tag: bool = False
    """The git tag has three numbers, such as v1.20.0; from 1.20."""
    # --- lexer and parser
    builtin_qstrs: frozenset[bytes] = QSTRS_1_12
    """The qstrs of more than ten characters that exist before anything is compiled."""
    annotated_names: bool = False
    """`name: annotation` and `name: annotation = value` are statements; from 1.13."""
    walrus: bool = False
    """`:=` is a token; from 1.13."""
    fold_power: bool = False
    """`**` of constants is folded; from 1.13."""
    fstrings: bool = False
    """f-strings exist; from 1.17."""
    fstring_brackets: bool = False
    """Brackets inside an f-string's field hide its `:` and `}`; from 1.18."""
    fstring_parens: bool = False
    """Each argument of the `.format()` of an f-string is in parentheses; from 1.20."""
    fstring_conversion: bool = False
    """`!r` and `!s` end the expression of an f-string's field; from 1.21."""
    fstring_join: bool = False
    """Adjacent f-strings share one `.format()`, and `rf` exists; from 1.24."""
    fstring_nesting: bool = False
    """f-strings nest, `f"{{"` closes, an empty field is malformed; from 1.28."""
    tstrings: bool = False
    """t-strings exist; from 1.28."""
    nul_becomes_one: bool = False
    """The lexer sees a NUL byte as a 1, since 0 is its end mark; from 1.28."""
    newline_on_own_line: bool = False
    """A NEWLINE token has the line that it ends, not that of the next token; from 1.22."""
    bytes_leaf: bool = True
    """A bytes literal may be a qstr; from 1.19 it is always an object."""
    parser_knows_small_int: bool = False
    """The parser keeps ints too big for the target's small int as objects; from 1.19."""
    const_objects: bool = False
    """`const()` takes any constant, not just an int, and tuples of constants fold; from 1.19."""
    const_truth: bool = False
    """`and`, `or`, `not` fold by the truth of any constant, not just of an int; from 1.20."""
    big_zero_has_sign: bool = False
    """Big-int arithmetic makes zeros with a sign, which go wrong in `|`, `^`, `&`; until 1.18."""
    big_int_shrinks: bool = False
    """The result of big-int arithmetic becomes a small int where it fits; from 1.24."""
    leading_zero_refused: bool = False
    """An int such as `01` is an error; from 1.25."""
    fold_floats: bool = False
    """Floats and the constants of `math` are folded, and what raises is left alone; from 1.26."""
    const_annotated: bool = False
    """`name: annotation = const(x)` defines a constant; from 1.29."""
    float_reader: FloatReader = FloatReader.DIGITS
    """How a float literal is read; changed by 1.20, 1.25 and 1.26."""
    # --- lowering and emitters
    aiter_awaited: bool = True
    """`async for` awaits `__aiter__()`; until 1.12."""
    async_scope_checked: bool = False
    """`async for` and `async with` are refused outside async functions; from 1.13."""
    class_assignment_hides: bool = False
    """A name assigned in a class body is never taken from an outer function; from 1.19."""
    star_args_bitmap: bool = False
    """A call takes several `*args`, and a bitmap that tells which they are; from 1.19."""
    list_items_place_errors: bool = False
    """Each item of a list display can lend its line to an error; from 1.19.  Before, only those
    after the first of three or more."""
    suppress_dead_code: bool = False
    """Code after an unconditional jump is dropped; from 1.20.  Before, the compiler only asks
    whether the last thing emitted was a return."""
    walrus_scope_pep572: bool = False
    """`:=` in a comprehension declares its target in the scope around; from 1.20.  Before, the
    comprehension stores as the scope around would, whatever that means in its own frame."""
    paren_tuple_condition: bool = True
    """A tuple or generator in parentheses is a constant condition; until 1.20."""
    async_for_keeps_iterator: bool = False
    """`async for` keeps its iterator on the stack; from 1.21.  Before, it overwrites the variable
    that the iterator expression names, or an invisible one."""
    finally_return_slot: bool = False
    """`finally` blocks reserve a stack slot for a pending return value; from 1.22.2."""
    compiler_lacks: frozenset[bytes] = frozenset()
    """Names of `COMPILER_QSTRS` that the compiler does not begin with: `__ne__` until 1.12, `errno`
    until 1.15."""
    fun_table: tuple[str, ...] = FUN_TABLE_1_12
    """Names of the entries of mp_fun_table, by index; changed by 1.19, 1.22 and 1.23."""
    native_qstr_shift: int = 3
    """A qstr as an object is its number shifted left by so much, plus 2; 2 until 1.12."""
    native_null_exception: bool = False
    """Where no exception is in flight, its word is null; from 1.13.  Before, it is None."""
    native_settles_in_temp_1: bool = False
    """Constants go to the stack by way of the second temporary register; from 1.17.  Before, by
    way of the first."""
    native_yield_keeps_innermost: bool = False
    """A resumed generator continues with its innermost handler; from 1.13.  Before, with its
    outermost."""
    native_fixed_prelude_offset: bool = False
    """The offset of the prelude is loaded by an instruction of fixed size; from 1.14."""
    viper_uint: bool = False
    """Viper has operators for uint; from 1.13.  Before, for int only."""
    native_subscr_saves_ret: bool = False
    """Machine code for a subscript first saves what is in the result register; from 1.18."""
    native_tables: bool = False
    """Machine code finds qstrs and constants in tables of the file; from 1.19.  Before, qstr
    numbers stand in the code and constants in a table per function."""
    native_unwind_slot: bool = False
    """The frame has words of its own for the return value and a pending jump; from 1.19.  Before,
    they are in saved registers of the nlr buffer."""
    native_store_attr_converts: bool = False
    """Viper converts what it stores in an attribute; from 1.20."""
    native_subscr_saves_index: bool = False
    """The same for the index register; from 1.20."""
    native_locals_are_objects: bool = False
    """Locals of native functions have a type before their first assignment; from 1.20."""
    native_throw_slot: bool = False
    """A value thrown into a native generator has a word of its own; from 1.24."""
    native_finally_keeps_top: bool = False
    """A finally block keeps the top of the stack until its end; from 1.24."""
    native_async_with: bool = False
    """`async with` in native code tests the exception in flight; from 1.24."""
    native_clears_exception: bool = False
    """Machine code with handlers clears the word of the exception in flight at its entry; 1.24."""
    native_prelude_word: bool = False
    """Native code begins with a word that says where its prelude is; from 1.23.  Before, only that
    of generators does, other code loads the pointer from its table of children."""
    viper_unary: bool = False
    """Viper has `+`, `-` and `~` on integers; from 1.23."""
    viper_unary_in_place: bool = False
    """They change the register that holds the operand, be it a local; 1.23 to 1.28."""
    inline_big_data: bool = False
    """`data` of the inline assemblers takes integers above 63 bits; from 1.20."""
    inline_address_of_two: bool = False
    """`[a, b, c]` is no address to the inline assembler of Thumb; from 1.19.  Before, it complains
    about the offset."""
    viper_signature: bool = True
    """The file says which viper functions take * and ** arguments; from 1.23 it does not."""
    native_consts_in_temp: bool = False
    """Constants are loaded by way of the first temporary register; from 1.24."""
    native_null_from_zero: bool = False
    """A machine with a zero register stores that where an exception is to be null; from 1.27."""
    native_clear_instruction: bool = False
    """Zero is written by the machine's own idiom; from 1.28."""
    native_checks_locals: bool = False
    """Thumb refuses a function with a local beyond its load and store instructions; from 1.14."""
    thumb_all_conditions: bool = False
    """A comparison of Thumb sets 1 on its condition; from 1.13.  Before, <, <= and != set 0 on the
    opposite one."""
    thumb_signed_label: bool = False
    """The distance to a label is sign-extended before it is added to the pc; from 1.19."""
    thumb_far_branches: bool = False
    """Conditional branches of Thumb reach beyond 4 KiB; from 1.27."""
    thumb_keeps_index: bool = False
    """A load or store with a register index leaves the index as it was; from 1.28."""
    armv6m_long_jumps: bool = False
    """ARMv6-M jumps beyond 2 KiB; from 1.26."""
    arm_wide_frame: bool = False
    """ARM frames and addresses of locals beyond 255 bytes, and qstr numbers beyond 127; from 1.25.
    Before, higher bits are lost, and the load of a qstr overwrites the pointer to their table."""
    arm_indexed_memory: bool = False
    """Thumb and ARM load and store with any index in instructions of their own; from 1.26."""
    # --- Xtensa and RISC-V machines
    xtensa_checked_offsets: bool = False
    """Words beyond offset 15 have an instruction, and offsets beyond 255 are refused; from 1.19.
    Before, all but the low four bits of an offset are lost."""
    xtensa_any_offset: bool = False
    """Loads and stores of Xtensa reach any offset, in viper as well; from 1.26."""
    xtensa_indexed: bool = False
    """Viper has instructions for small indices and scales a register index; from 1.25."""
    xtensa_store_at_stores_ret: bool = False
    """A viper store at a small index stores the result register, whatever the value is in; 1.25
    only."""
    xtensa_narrow_constants: bool = False
    """-32 to 95 are loaded by an instruction of two bytes; from 1.23."""
    xtensa_long_branches: bool = False
    """Conditional branches reach as far as jumps; from 1.26.  Before, one that is out of reach
    prints a warning and goes wrong."""
    xtensa_no_empty_table: bool = False
    """A function without constants does not jump over their table; from 1.26, but from 1.28 with
    windowed registers."""
    xtensawin_no_empty_table: bool = False
    rv32_signed_low_part: bool = True
    """The low part of a split constant is negative if its sign bit is set, so that -32 to -1 take
    two bytes; until 1.24."""
    rv32_saves_s0: bool = True
    """Every function saves s0, not just one that uses it; until 1.24."""
    rv32_zero_register: bool = False
    """The handler of a function is set up with the zero register; from 1.25."""
    rv32_any_offset: bool = False
    """RV32 viper code loads and stores at any index in one go, and stores to nearby words take two
    bytes; from 1.26."""
    rv32_index: RiscvIndex = RiscvIndex.WORDS
    """How RV32 viper code adds a register index; changed by 1.26, 1.27 and 1.28."""
    rv32_short_compare: bool = False
    """Comparisons of RV32 code have no branches; from 1.27."""
    rv32_locals: tuple[int, int, int] = (19, 20, 21)
    """Registers for locals; 1.28 took s2 instead of s5."""
    rv32_temporaries: tuple[int, int, int] = (6, 7, 28)
    """Registers for temporaries; 1.29 took a4 to a6 instead of t1 to t3."""
    default_arch: str = "x64"
    """Architecture of machine code without -march; from 1.20 there is none.  Before, it is the one
    that mpy-cross was built for; x64 stands for it everywhere, so that all hosts write the same."""
    debug_names_functions: bool = False
    """-march=debug prints the name of each function; from 1.26."""
    debug_indexed_half: bool = False
    """-march=debug has a load of two bytes at an index; from 1.26."""
    has_asm_rv32: bool = False
    """`@micropython.asm_rv32` exists; from 1.25."""
    rv32_not_known: str = "unknown"
    """What it calls an instruction that it does not have; 1.27: invalid."""
    asm_archs: tuple[str, ...] = ASM_ARCHS_1_12
    """Architectures with an inline assembler; 1.25 added RV32, 1.28 windowed Xtensa.  Which
    assembler it is follows from the architecture, not from the name of the decorator."""
    xtensa_inline_full: bool = False
    """The inline assembler of Xtensa has most instructions of the LX3 core; from 1.26."""
    xtensa_inline_table: bool = False
    """It reads the integer of loads, stores and addi before their registers, so that a wrong
    register is what it complains about; from 1.28."""
    rv32_inline_zba: bool = False
    """The inline assembler of RV32 has Zba, where -march-flags allows it; from 1.27."""
    rv32_inline_zcmp: bool = False
    """The same for Zcmp; from 1.29."""
    star_after_keyword_refused: bool = False
    """`f(a=1, *b)` is an error; from 1.29."""
    x86_aligned_stack: bool = False
    """x86 code keeps the stack on a 16-byte boundary in frames and calls; from 1.13."""
    x64_byte_stores_low: bool = False
    """x86-64 stores bytes from one of the lower four registers, as x86 does; from 1.16.  Before,
    the code for rsi and rdi means dh and bh."""
    x86_indexed_memory: bool = False
    """x86 and x86-64 load and store with any constant index in one instruction; from 1.26."""

    @property
    def tag(self) -> str:
        """The version as banners show it: "v1.17", "v1.20.0"."""
        short = self.three_part_tag and self.version.count(".") == 1
        return f"v{self.version}.0" if short else f"v{self.version}"
