"""Thumb machines: what each verb generates, per release and architecture."""

from __future__ import annotations

import random

import pytest

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.native.armv6m_links import linked_word
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.thumb import ThumbMachine
from mpy_cross.loader.release import get
from tests.native.listing import generate, in_turn, listing
from tests.native.verbs import code_of, differing, groups, recorded

RECORDED = groups(recorded("thumb"))


@pytest.mark.parametrize("target", RECORDED)
def test_same_code_as_the_reference(target: str) -> None:
    cases = RECORDED[target]
    assert differing(ThumbMachine(cases[0].arch, get(cases[0].release)), cases) == []


@pytest.mark.parametrize("arch", ["armv7em", "armv7emsp", "armv7emdp"])
def test_larger_cores_get_the_code_of_armv7m(arch: str) -> None:
    for target, cases in RECORDED.items():
        if target.startswith("armv7m-"):
            machine = ThumbMachine(arch, get(cases[0].release))
            for case in cases:
                assert code_of(machine, case.verbs) == case.code, case


def test_a_machine_compiles_one_function_after_the_other() -> None:
    machine = ThumbMachine("armv6m", get("1.29"))
    first = code_of(machine, "entry 300; jump 0; label 0; exit")
    code_of(machine, "entry 2; label 0; fill 1100; jump 0; exit")
    assert code_of(machine, "entry 300; jump 0; label 0; exit") == first


# --- ARMv6-M in version 5 files, which the reference cannot write

OLD = ("1.12", "1.17", "1.18")


def loader_patch(code: bytearray, at: int, number: int) -> None:
    """What the run-time does to a link: set the fields of a movw (py/persistentcode.c)."""
    upper = int.from_bytes(code[at : at + 2], "little")
    lower = int.from_bytes(code[at + 2 : at + 4], "little")
    upper = upper & 0xFBF0 | number >> 1 & 0x0400 | number >> 12
    lower = lower & 0x0F00 | number << 4 & 0x7000 | number & 0x00FF
    code[at : at + 4] = upper.to_bytes(2, "little") + lower.to_bytes(2, "little")


@pytest.mark.parametrize("number", [0, 1, 0x80, 0xFF, 0x100, 0x700, 0x800, 0xF000, 0x5A5A, 0xFFFF])
def test_a_linked_word_is_what_the_loader_makes_of_it(number: int) -> None:
    code = bytearray(4)
    loader_patch(code, 0, number)
    assert linked_word(number).to_bytes(4, "little") == code


@pytest.mark.parametrize("release", OLD)
def test_only_instructions_of_armv6m(release: str) -> None:
    machine = ThumbMachine("armv6m", get(release))
    places = []

    def body() -> None:
        machine.entry(200)
        places.append(machine.move_reg_imm_fix_u16(1, 0))
        machine.call(95)
        machine.store_word(0, 4, 40)
        machine.exit()

    code = generate(machine, body)
    at = places[-1]
    features = ARCHES["armv6m"].features
    lines = listing(code[:at], TABLE, features) + listing(code, TABLE, features, at + 4)
    assert not [line for line in lines if ".w" in line or line.startswith(("movw", "movt", "it"))]
    assert lines[-1] == "pop {r1, r2, r3, r4, r5, r6, r7, pc}"


@pytest.mark.parametrize("release", OLD)
def test_jumps_are_short_in_small_functions_only(release: str) -> None:
    machine = ThumbMachine("armv6m", get(release))
    small = code_of(machine, "jump 0; fill 900; jz 3 0; label 0; exit")
    assert len(small.replace("(900)", "")) // 2 == 2 + 6 + 2
    large = code_of(machine, "jump 0; fill 1200; jz 3 0; label 0; exit")
    assert len(large.replace("(1200)", "")) // 2 == 8 + 12 + 2
    assert large.startswith("0049" + "8f44")  # ldr r1, [pc, #0]; add pc, r1
    assert code_of(machine, "jump 0; fill 900; jz 3 0; label 0; exit") == small


def test_the_reference_has_no_far_jumps_on_armv6m_before_1_26() -> None:
    machine = ThumbMachine("armv6m", get("1.23"))
    with pytest.raises(NativeError, match="native method too big"):
        generate(machine, in_turn((
            lambda: machine.jump(0),
            *([lambda: machine.move_reg_reg(1, 2)] * 1100),
            lambda: machine.place_label(0),
        )), 1)


@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("word", [False, True])
def test_linked_numbers_arrive_in_their_register(word: bool, patched: bool) -> None:
    unicorn = pytest.importorskip("unicorn")
    arm = pytest.importorskip("unicorn.arm_const")
    rng = random.Random(f"{word} {patched}")
    for _ in range(40):
        machine = ThumbMachine("armv6m", get("1.17"))
        mask = 0xFFFFFFFF if word else 0xFFFF
        uses = [(rng.randrange(8), rng.randrange(1 << 32) & mask) for _ in range(3)]
        places: list[tuple[int, int]] = []

        def body(machine: ThumbMachine = machine, uses: list[tuple[int, int]] = uses,
                 places: list[tuple[int, int]] = places) -> None:
            places.clear()
            machine.entry(4)
            for reg, value in uses:
                if word:
                    at = machine.move_reg_imm_fix_word(reg, value)
                else:
                    at = machine.move_reg_imm_fix_u16(reg, value)
                places.append((at, machine.position))
            machine.exit()

        code = bytearray(generate(machine, body))
        if patched:
            uses = [(reg, rng.randrange(1 << 32) & mask) for reg, _ in uses]
            for (at, _), (_, value) in zip(places, uses, strict=True):
                loader_patch(code, at, value & 0xFFFF)
                if word:
                    loader_patch(code, at + 4, value >> 16)
        core = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
        base, stack = 0x20000000, 0x30000000
        core.mem_map(base, 0x1000)
        core.mem_map(stack, 0x1000)
        core.mem_write(base, bytes(code))
        core.reg_write(arm.UC_ARM_REG_SP, stack + 0x800)
        expected = [rng.randrange(1 << 32) for _ in range(8)]
        for reg, value in enumerate(expected):
            core.reg_write(arm.UC_ARM_REG_R0 + reg, value)
        at = base
        for (reg, value), (_, end) in zip(uses, places, strict=True):
            core.emu_start(at | 1, base + end)
            at = base + end
            expected[reg] = value
            found = [core.reg_read(arm.UC_ARM_REG_R0 + number) for number in range(8)]
            assert found == expected
