"""MicroPython releases as records: every behaviour that changed between them is one named field.

No other module compares versions; it asks a field of the `Release` it was given.
"""

from __future__ import annotations

from typing import final

from mpy_cross.loader.builtin_qstrs import QSTRS_1_20, QSTRS_1_28
from mpy_cross.loader.filesystems import (
    FILESYSTEMS_1_19,
    FILESYSTEMS_1_20,
    FILESYSTEMS_1_22,
    FILESYSTEMS_1_23,
    FILESYSTEMS_1_24,
    FILESYSTEMS_1_25,
    FILESYSTEMS_1_26,
)
from mpy_cross.loader.fun_table import (
    FUN_TABLE_1_19,
    FUN_TABLE_1_22,
    FUN_TABLE_1_23,
)
from mpy_cross.loader.language import (
    LANGUAGE_1_19,
    LANGUAGE_1_20,
    LANGUAGE_1_21,
    LANGUAGE_1_23,
    LANGUAGE_1_24,
    LANGUAGE_1_25,
    LANGUAGE_1_26,
    LANGUAGE_1_27,
)
from mpy_cross.loader.library import (
    LIBRARY_1_18,
    LIBRARY_1_20,
    LIBRARY_1_21,
    LIBRARY_1_22,
    LIBRARY_1_24,
    LIBRARY_1_25,
    LIBRARY_1_26,
    LIBRARY_1_28,
)
from mpy_cross.loader.prompt import (
    PROMPT_1_14,
    PROMPT_1_16,
    PROMPT_1_18,
    PROMPT_1_19,
    PROMPT_1_20,
    PROMPT_1_21,
    PROMPT_1_22,
    PROMPT_1_24,
    PROMPT_1_26,
    PROMPT_1_27,
    PROMPT_1_28,
)
from mpy_cross.loader.release_record import (
    ARCHS_1_12,
    ASM_ARCHS_1_12,
    MARCH_1_12,
    FloatPrinter,
    FloatReader,
    Release,
    RiscvIndex,
)

__all__ = ["DEFAULT_RELEASE", "RELEASES", "FloatPrinter", "FloatReader", "Release", "RiscvIndex",
           "UnknownRelease", "get"]

_ASM_ARCHS_1_25 = (*ASM_ARCHS_1_12, "rv32imc")
_ASM_ARCHS_1_28 = (*_ASM_ARCHS_1_25, "xtensawin")
_MARCH_1_20 = (*MARCH_1_12, "host")
_MARCH_1_24 = (*_MARCH_1_20, "rv32imc", "debug")
_ARCHS_1_24 = (*ARCHS_1_12, "rv32imc", "debug")
_ARCHS_1_27 = (*ARCHS_1_12, "rv32imc", "rv64imc", "debug")

# Each release is its predecessor plus what changed: the arguments are the release notes.
_R1_12 = Release(
    version="1.12",
    mpy_version=5,
    mpy_sub_version=0,
    compiler_lacks=frozenset((b"__ne__", b"errno")),
    big_zero_has_sign=True,
    native_qstr_shift=2,
)
_R1_13 = _R1_12._replace(
    version="1.13",
    date="2020-09-02",
    annotated_names=True,
    walrus=True,
    fold_power=True,
    aiter_awaited=False,
    async_scope_checked=True,
    compiler_lacks=frozenset((b"errno",)),
    native_qstr_shift=3,
    native_null_exception=True,
    native_yield_keeps_innermost=True,
    viper_uint=True,
    thumb_all_conditions=True,
    x86_aligned_stack=True,
)
_R1_14 = _R1_13._replace(
    version="1.14",
    date="2021-02-03",
    prompt=PROMPT_1_14,
    native_checks_locals=True,
    native_fixed_prelude_offset=True,
)
_R1_15 = _R1_14._replace(version="1.15", date="2021-04-19")
_R1_16 = _R1_15._replace(
    version="1.16",
    date="2021-06-18",
    prompt=PROMPT_1_16,
    compiler_lacks=frozenset(),
    x64_byte_stores_low=True,
)
_R1_17 = _R1_16._replace(
    version="1.17",
    date="2021-09-02",
    native_settles_in_temp_1=True,
    fstrings=True,
)
_R1_18 = _R1_17._replace(
    version="1.18",
    library=LIBRARY_1_18,
    date="2022-01-17",
    prompt=PROMPT_1_18,
    big_zero_has_sign=False,
    cache_lookup_option=False,
    fstring_brackets=True,
    native_subscr_saves_ret=True,
)
_R1_19 = _R1_18._replace(
    version="1.19",
    language=LANGUAGE_1_19,
    filesystems=FILESYSTEMS_1_19,
    date="2022-06-16",
    prompt=PROMPT_1_19,
    implementation=("_machine", "_mpy"),
    small_thumb_arch="armv6m",
    version_in_sys=True,
    mpy_version=6,
    fun_table=FUN_TABLE_1_19,
    qstr_window=0,
    unicode_option=False,
    bytes_leaf=False,
    parser_knows_small_int=True,
    const_objects=True,
    class_assignment_hides=True,
    star_args_bitmap=True,
    list_items_place_errors=True,
    inline_address_of_two=True,
    native_tables=True,
    native_unwind_slot=True,
    thumb_signed_label=True,
    xtensa_checked_offsets=True,
)
_R1_19_1 = _R1_19._replace(version="1.19.1", date="2022-06-17")
_R1_20 = _R1_19_1._replace(
    version="1.20",
    library=LIBRARY_1_20,
    language=LANGUAGE_1_20,
    filesystems=FILESYSTEMS_1_20,
    date="2023-04-26",
    prompt=PROMPT_1_20,
    mpy_sub_version=1,
    inline_big_data=True,
    native_refusal="native code in .mpy unsupported",
    float_printer=FloatPrinter.SUBTRACT,
    march=_MARCH_1_20,
    backslash_paths=True,
    open_error_names_file=True,
    three_part_tag=True,
    builtin_qstrs=QSTRS_1_20,
    fstring_parens=True,
    const_truth=True,
    float_reader=FloatReader.LATE_ZEROS,
    suppress_dead_code=True,
    walrus_scope_pep572=True,
    native_store_attr_converts=True,
    native_subscr_saves_index=True,
    native_locals_are_objects=True,
    default_arch="",
)
_R1_21 = _R1_20._replace(
    version="1.21",
    library=LIBRARY_1_21,
    language=LANGUAGE_1_21,
    date="2023-10-06",
    prompt=PROMPT_1_21,
    help_names_docs=True,
    generic_esp32=True,
    str_converts_operand=False,
    fstring_conversion=True,
    paren_tuple_condition=False,
    async_for_keeps_iterator=True,
)
_R1_22 = _R1_21._replace(
    version="1.22",
    library=LIBRARY_1_22,
    filesystems=FILESYSTEMS_1_22,
    date="2023-12-27",
    prompt=PROMPT_1_22,
    version_has_level=True,
    fun_table=FUN_TABLE_1_22,
    mpy_sub_version=2,
    newline_on_own_line=True,
)
_R1_22_1 = _R1_22._replace(version="1.22.1", date="2024-01-05")
_R1_22_2 = _R1_22_1._replace(
    version="1.22.2",
    date="2024-02-20",
    finally_return_slot=True,
)
_R1_23 = _R1_22_2._replace(
    version="1.23",
    language=LANGUAGE_1_23,
    proto_functions=True,
    filesystems=FILESYSTEMS_1_23,
    date="2024-05-31",
    fun_table=FUN_TABLE_1_23,
    mpy_sub_version=3,
    native_prelude_word=True,
    viper_unary=True,
    viper_unary_in_place=True,
    viper_signature=False,
    xtensa_narrow_constants=True,
)
_R1_24 = _R1_23._replace(
    version="1.24",
    library=LIBRARY_1_24,
    language=LANGUAGE_1_24,
    filesystems=FILESYSTEMS_1_24,
    date="2024-10-26",
    prompt=PROMPT_1_24,
    archs=_ARCHS_1_24,
    march=_MARCH_1_24,
    fstring_join=True,
    big_int_shrinks=True,
    native_throw_slot=True,
    native_finally_keeps_top=True,
    native_async_with=True,
    native_clears_exception=True,
    native_consts_in_temp=True,
)
_R1_24_1 = _R1_24._replace(version="1.24.1", date="2024-11-29")
_R1_25 = _R1_24_1._replace(
    version="1.25",
    library=LIBRARY_1_25,
    language=LANGUAGE_1_25,
    filesystems=FILESYSTEMS_1_25,
    implementation=("_machine", "_mpy", "_build"),
    date="2025-04-16",
    next_default=True,
    leading_zero_refused=True,
    has_asm_rv32=True,
    asm_archs=_ASM_ARCHS_1_25,
    float_reader=FloatReader.MANTISSA,
    arm_wide_frame=True,
    xtensa_indexed=True,
    xtensa_store_at_stores_ret=True,
    rv32_signed_low_part=False,
    rv32_saves_s0=False,
    rv32_zero_register=True,
)
_R1_26 = _R1_25._replace(
    version="1.26",
    library=LIBRARY_1_26,
    language=LANGUAGE_1_26,
    filesystems=FILESYSTEMS_1_26,
    date="2025-08-09",
    prompt=PROMPT_1_26,
    implementation=("_machine", "_mpy", "_build", "_thread"),
    debug_names_functions=True,
    debug_indexed_half=True,
    float_printer=FloatPrinter.SHORTEST,
    fold_floats=True,
    float_reader=FloatReader.EXTENDED,
    armv6m_long_jumps=True,
    arm_indexed_memory=True,
    xtensa_inline_full=True,
    x86_indexed_memory=True,
    xtensa_any_offset=True,
    xtensa_store_at_stores_ret=False,
    xtensa_long_branches=True,
    xtensa_no_empty_table=True,
    rv32_any_offset=True,
    rv32_index=RiscvIndex.IN_PLACE,
)
_R1_26_1 = _R1_26._replace(version="1.26.1", date="2025-09-11")
_R1_27 = _R1_26_1._replace(
    version="1.27",
    language=LANGUAGE_1_27,
    date="2025-12-10",
    prompt=PROMPT_1_27,
    archs=_ARCHS_1_27,
    arch_flags=True,
    march=(*_MARCH_1_24, "rv64imc"),
    march_flags=("zba",),
    native_null_from_zero=True,
    thumb_far_branches=True,
    rv32_index=RiscvIndex.SHORT,
    rv32_short_compare=True,
    rv32_inline_zba=True,
    rv32_not_known="invalid",
)
_R1_28 = _R1_27._replace(
    version="1.28",
    library=LIBRARY_1_28,
    date="2026-04-06",
    prompt=PROMPT_1_28,
    march_flags=("zba", "zcmp"),
    builtin_qstrs=QSTRS_1_28,
    fstring_nesting=True,
    tstrings=True,
    asm_archs=_ASM_ARCHS_1_28,
    xtensa_inline_table=True,
    xtensawin_no_empty_table=True,
    nul_becomes_one=True,
    native_clear_instruction=True,
    thumb_keeps_index=True,
    rv32_index=RiscvIndex.TEMPORARY,
    rv32_locals=(19, 18, 20),
)
_R1_29 = _R1_28._replace(
    version="1.29",
    date="2026-08-29",
    source_lines_option=True,
    const_annotated=True,
    rv32_inline_zcmp=True,
    viper_unary_in_place=False,
    star_after_keyword_refused=True,
    rv32_temporaries=(14, 15, 16),
)

RELEASES: dict[str, Release] = {
    release.version: release
    for release in (
        _R1_12,
        _R1_13,
        _R1_14,
        _R1_15,
        _R1_16,
        _R1_17,
        _R1_18,
        _R1_19,
        _R1_19_1,
        _R1_20,
        _R1_21,
        _R1_22,
        _R1_22_1,
        _R1_22_2,
        _R1_23,
        _R1_24,
        _R1_24_1,
        _R1_25,
        _R1_26,
        _R1_26_1,
        _R1_27,
        _R1_28,
        _R1_29,
    )
}
"""Oldest first, by version; tags from 1.20 on end in ".0" as well, which `get` accepts."""

DEFAULT_RELEASE = "1.17"


@final
class UnknownRelease(ValueError):
    """No such release; the text lists the names there are."""


def get(name: str) -> Release:
    """The release called `name`: "1.17", "1.20" or "1.20.0", with or without a leading "v".

    Raises UnknownRelease.
    """
    key = name.strip()
    key = key[1:] if key[:1] in ("v", "V") else key
    release = RELEASES.get(key) or RELEASES.get(key.removesuffix(".0"))
    if release is not None:
        return release
    known = ", ".join(RELEASES)
    raise UnknownRelease(f"unknown MicroPython release {name!r}; known are {known}")
