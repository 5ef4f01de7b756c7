"""What the Xtensa cores decode, against Capstone 6 and against the assembler's table.

    PYTHONPATH=... python -m tests.oracle.xtensa_decode --count 1000000

Random words of three and of two bytes.  The table is compared with Capstone (see
`tests.assembler.capstone_witness`, which has the list of what Capstone lacks or knows of other
cores); the decoder of each core with the table: same verdict, operands, targets and text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from mpy_cross.assembler.kinds import Label
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.xtensa.decode import Decoder
from mpy_cross.emulator.cores.xtensa.models import Model, model
from tests.assembler.capstone_witness import ADDRESS, compare, engine_of, words

CORES = ("lx106", "lx6", "de212", "de233_fpu")


def differences(core: Model, asked: Iterable[bytes]) -> list[str]:
    """Words for which the core's decoder and the table disagree."""
    decoder = Decoder(core)
    found = []
    for number, data in enumerate(asked):
        address = ADDRESS + number % 4
        word = int.from_bytes(data, "little")
        ours = decoder.decode(word, address)
        table = TABLE.decode(data, 0, address, core.features)
        special = table is not None and table.row.name in ("rsr", "wsr", "xsr")
        if table is None or (special and table.operands[0] not in core.specials):
            if ours is not None:
                found.append(f"{core.name} {data.hex()}: only the core has {ours.text()}")
            continue
        if ours is None:
            found.append(f"{core.name} {data.hex()}: only the table has {TABLE.text(table)}")
            continue
        operands = tuple(
            operand.kind.target(value, address) & 0xFFFF_FFFF
            if isinstance(operand.kind, Label) else value
            for operand, value in zip(table.row.operands, table.operands, strict=True))
        text = TABLE.text(table, lambda target: hex(target & 0xFFFF_FFFF))
        if (ours.row, ours.operands, ours.size, ours.text()) != (
                table.row, operands, table.size, text):
            found.append(f"{core.name} {data.hex()}: {ours.text()} but {text}")
    return found


def main(arguments: list[str]) -> int:
    count = int(arguments[1]) if arguments[:1] == ["--count"] else 1_000_000
    bad = []
    for core in CORES:
        differing = differences(model(core), words("xtensawin", count))
        print(f"{core}: {count} words, {len(differing)} decoded otherwise than by the table")
        bad += differing
    engine = engine_of("xtensawin")
    if isinstance(engine, str):
        print(f"Capstone: {engine}")
        return 1
    report = compare("xtensawin", engine, words("xtensawin", count))
    print(f"Capstone: {report.asked} words, {report.both} instructions of both that print alike")
    for title, counts in (("operands that the manual forbids", report.unpredictable),
                          ("not known to Capstone", report.gaps),
                          ("of other cores", report.others)):
        print(f"  {title}: {counts.total()}: "
              + ", ".join(f"{one} {number}" for one, number in counts.most_common(60)))
    bad += report.verdicts + report.texts
    print(f"  without a rule: {len(report.verdicts) + len(report.texts)}")
    for line in bad[:40]:
        print(f"  {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
