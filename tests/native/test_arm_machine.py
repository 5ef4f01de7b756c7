"""The ARM machine: what each verb generates, per release."""

from __future__ import annotations

import pytest

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.arm import TABLE
from mpy_cross.emitters.native.arm import ArmMachine
from mpy_cross.loader.release import get
from tests.native.listing import generate, listing
from tests.native.verbs import differing, groups, recorded

RECORDED = groups(recorded("arm"))


@pytest.mark.parametrize("target", RECORDED)
def test_same_code_as_the_reference(target: str) -> None:
    cases = RECORDED[target]
    assert differing(ArmMachine(cases[0].arch, get(cases[0].release)), cases) == []


@pytest.mark.parametrize("release", ["1.12", "1.17"])
def test_links_point_to_the_literal(release: str) -> None:
    machine = ArmMachine("armv6", get(release))
    places = []

    def body() -> None:
        machine.entry(4)
        places.append(machine.move_reg_imm_fix_u16(1, 0x1234))
        places.append(machine.move_reg_imm_fix_word(2, 0x12345678))

    code = generate(machine, body)
    first, second = places[-2:]
    assert code[first : first + 4] == bytes.fromhex("34120000")
    assert code[second : second + 4] == bytes.fromhex("78563412")
    for place, reg in ((first, "r1"), (second, "r2")):
        load, skip = listing(code[:place], TABLE, ARCHES["armv6"].features, place - 8)
        assert load.startswith(f"ldr {reg}, ")
        assert skip.startswith("b ")


def test_frames_beyond_255_bytes_need_1_25() -> None:
    """Before, the frame was too small: bits above the eighth were lost."""
    features = ARCHES["armv6"].features

    def frame(release: str) -> list[str]:
        machine = ArmMachine("armv6", get(release))
        return listing(generate(machine, lambda: machine.entry(66)), TABLE, features)[1:2]

    assert frame("1.23") == ["sub sp, sp, #0x8"]
    assert frame("1.25")[0].startswith("ldr r8")
