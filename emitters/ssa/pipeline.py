"""The passes, in their order, over one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Final, NamedTuple, cast, final

from mpy_cross.emitters.native.baseline import NativeCode, emit_native, native_prelude
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.state import Linker
from mpy_cross.emitters.ssa import direct, inline, prelude_constant
from mpy_cross.emitters.ssa.backends import BACK_ENDS, BackEnd, Pass
from mpy_cross.emitters.ssa.build import Target, Verbs
from mpy_cross.emitters.ssa.build_called import CalledBuilder
from mpy_cross.emitters.ssa.build_direct import parts_of
from mpy_cross.emitters.ssa.build_machine import MACHINE_VERBS
from mpy_cross.emitters.ssa.build_native import NativeBuilder, check
from mpy_cross.emitters.ssa.build_objects import OBJECT_VERBS
from mpy_cross.emitters.ssa.build_verbs import VERBS
from mpy_cross.emitters.ssa.build_viper import ViperBuilder
from mpy_cross.emitters.ssa.cfg import order_of, prune, renumber
from mpy_cross.emitters.ssa.ir import WIDTHS, Function
from mpy_cross.emitters.ssa.machine import LoopTooLong, MFunction, machine_text
from mpy_cross.emitters.ssa.native_entry import NativeEntry
from mpy_cross.emitters.ssa.native_generators import HEADER
from mpy_cross.emitters.ssa.native_loops import Plan
from mpy_cross.emitters.ssa.native_verbs import NATIVE_VERBS
from mpy_cross.emitters.ssa.passes import (
    addresses,
    branches,
    congruent,
    constants,
    counters,
    dead,
    division,
    gvn,
    invariants,
    merge,
    overflow,
    phis,
    pointers,
    preheaders,
    ranges,
    undo,
)
from mpy_cross.emitters.ssa.regalloc import AllocationError, allocate
from mpy_cross.emitters.ssa.rotate import rotate
from mpy_cross.emitters.ssa.settings import Optimise, Unsupported
from mpy_cross.emitters.ssa.text import function_text
from mpy_cross.emitters.ssa.verify import verify
from mpy_cross.loader.mpyfile import CodeKind, RawCode
from mpy_cross.loader.ops import Emit, FunctionOps, Op, ScopeFlag, Verb
from mpy_cross.loader.prelude import decode_prelude, encode_signature
from mpy_cross.loader.release import Release


@final
class Stage(NamedTuple):
    """Passes that belong together, and which functions need them."""

    passes: tuple[Pass, ...]
    ops: frozenset[str] = frozenset()
    """Those with one of these operations; empty for all."""
    in_loops: bool = False
    """Those with loops."""


def _has(function: Function, ops: frozenset[str]) -> bool:
    return not all(ops.isdisjoint([v.op for v in block.values]) for block in function.blocks)


def _has_loops(function: Function) -> bool:
    places = {block: i for i, block in enumerate(order_of(function))}
    return any(places[succ] <= i for block, i in places.items() for succ in block.succs)


DIVISIONS: Final = frozenset(division.DIVISIONS)
INDEXED: Final = frozenset(op for op in WIDTHS if "x" in op)
CLEAN: Final[tuple[Pass, ...]] = (prune, phis.run, congruent.run, dead.run, merge.run)
# All blocks are reached since the first one.
AGAIN: Final[tuple[Pass, ...]] = (phis.run, congruent.run, dead.run, merge.run)
SIMPLE: Final = (*CLEAN, branches.run, phis.run, gvn.run, branches.run, *AGAIN)
RANGES: Final = Stage((ranges.run, phis.run, dead.run))
FASTER: Final = (
    Stage(SIMPLE),
    Stage((division.run, gvn.run, dead.run), DIVISIONS),
    Stage((preheaders.run,), in_loops=True),
    Stage((addresses.run, gvn.run, dead.run), INDEXED),
    Stage((overflow.run,)),
    Stage((invariants.run, pointers.run, dead.run, pointers.run, dead.run, invariants.run, gvn.run,
           dead.run, counters.run, dead.run), in_loops=True),
    RANGES,
    Stage((undo.run,)),
)
STAGES: Final[dict[str, tuple[Stage, ...]]] = {
    "1": (Stage((*CLEAN, branches.run, phis.run, gvn.run, overflow.run, branches.run, *CLEAN)),
          Stage((addresses.run, gvn.run, dead.run), INDEXED),
          Stage((undo.run,))),
    "2": FASTER,
    "s": FASTER,
}


class BrokenPass(AssertionError):
    """A pass has broken the rules of the SSA form; the text has the details."""


def run_passes(ssa: Function, settings: Optimise, back_end: BackEnd) -> None:
    """All passes of the level."""
    ssa.access = back_end.access
    changed = False  # by a pass that says so
    for stage in STAGES[settings.level]:
        if stage.ops and (not _has(ssa, stage.ops)
                          or (stage.ops is DIVISIONS and not back_end.divides)):
            continue
        if stage.in_loops:
            ssa.has_loops = ssa.has_loops and _has_loops(ssa)
            if not ssa.has_loops:
                continue
        if stage is RANGES and ssa.tagged and not (changed or ssa.has_loops):
            continue
        changed = _run(stage.passes, ssa, settings) or changed
    for lowering in back_end.lower:
        before = ssa.n_values
        _run(lowering.passes, ssa, settings)
        if changed or ssa.has_loops or not ssa.tagged or ssa.n_values != before:
            _run(lowering.clean, ssa, settings)


def _run(passes: tuple[Pass, ...], ssa: Function, settings: Optimise) -> bool:
    """Whether a pass has changed something that says so."""
    changed = False
    for one in passes:
        changed = one(ssa) or changed
        if settings.check:
            problems = verify(ssa)
            if problems:
                raise BrokenPass("\n".join([f"after {one.__module__}:", *problems,
                                            function_text(ssa)]))
    return changed


def optimise(
    function: FunctionOps,
    machine: Machine,
    release: Release,
    linker: Linker,
    arch: str,
    settings: Optimise,
) -> NativeCode:
    """Compile one viper function.  Raises Unsupported if it is left to the baseline."""
    ops = rotate(function.ops, function.n_labels)
    target = Target(release, linker, machine.traits.nlr_buf_words, not settings.strict,
                    settings.defaults, settings.viper_checks)

    def finish(inlined: Mapping[int, inline.Inlined]) -> NativeCode:
        return _finish(function, ops, target._replace(inlined=inlined), arch, settings, machine)

    return _with_inlined(function, ops, linker, settings, finish)


def _with_inlined(
    function: FunctionOps, ops: list[Op], linker: Linker, settings: Optimise,
    finish: Callable[[Mapping[int, inline.Inlined]], NativeCode],
) -> NativeCode:
    """The code with as many functions inlined or called directly as can be; `finish` makes it.

    Raises Unsupported.
    """
    inlined = dict(settings.inlined)
    while inline.reached(ops, inlined):
        try:
            return finish(inlined)
        except Unsupported as reason:
            what = "nothing is inlined in it"
            if reason.name in inlined:
                del inlined[reason.name]
                what = f"{_text(linker, reason.name)} is called as ever in it"
            else:
                inlined.clear()
            if settings.notes is not None:
                settings.notes.append(f"{_text(linker, function.name)}: {what}: {reason}")
    return finish({})


def _text(linker: Linker, name: int) -> str:
    return linker.name_text(name).decode("utf-8", "replace")


VIPER_VERBS: Final = {**VERBS, **MACHINE_VERBS, **OBJECT_VERBS}


def _finish(
    function: FunctionOps, ops: list[Op], target: Target, arch: str, settings: Optimise,
    machine: Machine,
) -> NativeCode:
    release = target.release
    builder = ViperBuilder(function, ops, target, VIPER_VERBS)
    functions = [builder.build(), *parts_of(builder)]
    for one in functions:
        run_passes(one, settings, BACK_ENDS[arch])
    direct.drop_environments(functions)
    code, links = machine_code(functions, arch, settings)
    raw_code = RawCode(
        kind=CodeKind.VIPER,
        code=code,
        scope_flags=function.flags & 0x0F if release.viper_signature else 0,
    )
    if not release.native_tables:
        raw_code.qstr_links = [(machine.link_place(place), n) for place, n in links]
        raw_code.constants = builder.module_consts
    return NativeCode(raw_code, builder.made)


def machine_code(
    functions: list[Function], arch: str, settings: Optimise
) -> tuple[bytes, list[tuple[int, int]]]:
    """The bytes of a function with its parts, and the places of names in them.

    Raises Unsupported.
    """
    back_end = BACK_ENDS[arch]
    second = back_end.second
    selected: list[MFunction] = []
    try:
        for ssa in functions:
            renumber(ssa)
            if settings.record is not None:
                settings.record.append(("ssa", ssa.name, function_text(ssa)))
            one = back_end.select(ssa)
            allocate(one, back_end.registers(settings.n_registers),
                     second and second(one, settings.n_registers),
                     back_end.floats[: settings.n_registers or None])
            if settings.record is not None:
                settings.record.append(("regalloc", ssa.name, machine_text(one)))
            selected.append(one)
        assembler = back_end.assembler(selected)
        code = assembler.assemble()
    except AllocationError as error:
        raise Unsupported(str(error)) from None
    except LoopTooLong:
        for ssa in functions:
            ssa.hardware_loops = False
        return machine_code(functions, arch, settings)
    return code, assembler.links


LINK_KIND_BITS: Final = 2
"""Of the place of a name in the code."""
NATIVE_TRIES: Final = 6
FLOAT_TRIES: Final = 12
"""After so many a function is tried without floats in registers."""
NEW_FLOAT: Final = "obj_new_float_from_f"


def _prelude(baseline: RawCode, n_state: int) -> bytes:
    """The baseline's prelude for another size of the state."""
    data = baseline.code[baseline.prelude_offset:]
    known = decode_prelude(data)
    end = next(i for i, byte in enumerate(data) if byte < 0x80) + 1
    return encode_signature(n_state, known.n_exc_stack, known.flags, known.n_pos_args,
                            known.n_kwonly_args, known.n_def_pos_args) + data[end:]


def optimise_native(
    function: FunctionOps,
    machine: Machine,
    release: Release,
    linker: Linker,
    arch: str,
    settings: Optimise,
    baseline: RawCode | None,
) -> NativeCode:
    """Compile one native function.  Raises Unsupported if it is left to the baseline.

    `baseline`: its code, of which generators and files of version 5 need something.
    """
    check(function, NATIVE_VERBS)
    target = Target(release, linker, machine.traits.nlr_buf_words)
    plan = Plan()
    with_floats = settings.level == "2" and bool(BACK_ENDS[arch].floats)
    tries = 0
    while True:
        plan.changed = False
        builder = NativeBuilder(function, target, NATIVE_VERBS, plan, settings.level == "2")
        if builder.is_generator:
            assert baseline is not None
            builder.n_state = decode_prelude(baseline.code[baseline.prelude_offset :]).n_state
        if BACK_ENDS[arch].items:
            builder.use_items(release.fun_table.index("type_list"))
        if with_floats:
            builder.known.new_float = release.fun_table.index(NEW_FLOAT)
        ssa = builder.build()
        if not plan.changed:
            break
        tries += 1
        if with_floats and tries == FLOAT_TRIES:
            with_floats, tries, plan = False, 0, Plan()
        elif not plan.floats and tries == NATIVE_TRIES:
            raise Unsupported("no end of facts")
    return _native(builder, ssa, machine, arch, settings, baseline)


def optimise_called(
    function: FunctionOps,
    machine: Machine,
    release: Release,
    linker: Linker,
    arch: str,
    settings: Optimise,
) -> NativeCode:
    """Compile one viper function that the run-time calls as a native one.

    Raises Unsupported if it is left to the baseline.
    """
    ops = rotate(function.ops, function.n_labels)
    target = Target(release, linker, machine.traits.nlr_buf_words, True,
                    checks=settings.viper_checks)
    native = copy(function)
    native.emit = Emit.NATIVE

    def finish(inlined: Mapping[int, inline.Inlined]) -> NativeCode:
        builder = CalledBuilder(function, ops, target._replace(inlined=inlined), CALLED_VERBS)
        ssa = builder.build()
        if builder.parts and not release.native_tables:
            raise Unsupported("direct calls of version 5 in a function that is called as native")
        baseline = emit_native(native, machine, release, linker, 0).raw_code
        return _native(builder, ssa, machine, arch, settings, baseline)

    return _with_inlined(function, ops, linker, settings, finish)


CALLED_VERBS: Final[dict[int, Verbs]] = {
    **VIPER_VERBS,
    **{verb: cast(Verbs, NATIVE_VERBS[verb]) for verb in (Verb.MAKE_FUNCTION, Verb.MAKE_CLOSURE)},
}


def _native(
    builder: NativeEntry, ssa: Function, machine: Machine, arch: str, settings: Optimise,
    baseline: RawCode | None,
) -> NativeCode:
    """The code of a native function, with its prelude."""
    release = builder.release
    if baseline is not None:
        prelude = _prelude(baseline, builder.n_state)
    else:
        prelude = native_prelude(builder.function, builder.linker, builder.n_state, True, 0)
    if machine.traits.prelude_as_bytes and not release.native_tables:
        prelude_constant.add(builder, ssa, prelude)
    functions = [ssa, *parts_of(builder)]
    for one in functions:
        run_passes(one, settings, BACK_ENDS[arch])
    constants.run(ssa)
    direct.drop_environments(functions)
    code, links = machine_code(functions, arch, settings)
    if builder.function.flags & ScopeFlag.GENERATOR:
        first = len(builder.made)
        if not release.native_tables:
            as_bytes = machine.traits.prelude_as_bytes
            first = builder.n_args + 1 if as_bytes else HEADER + len(code)
        code = first.to_bytes(4, "little") + HEADER.to_bytes(4, "little") + code
        links = [(place + (HEADER << LINK_KIND_BITS), n) for place, n in links]
    elif release.native_tables and release.native_prelude_word:
        code = len(builder.made).to_bytes(4, "little") + code
    raw_code = RawCode(
        kind=CodeKind.NATIVE,
        code=code + prelude,
        prelude_offset=len(code),
        scope_flags=builder.function.flags & 0x0F if release.viper_signature else 0,
    )
    if not release.native_tables:
        assert baseline is not None
        raw_code.qstr_links = [(machine.link_place(place), n) for place, n in links]
        raw_code.constants = builder.module_consts
        raw_code.arg_names = baseline.arg_names
        raw_code.name = baseline.name
        raw_code.source_file = baseline.source_file
    return NativeCode(raw_code, builder.made)
