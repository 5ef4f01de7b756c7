"""The examples of the manual that are for our boards, on stock firmware of its release."""

from __future__ import annotations

import re
from typing import Final

import pytest

from mpy_cross.emulator.raw_repl import RemoteError
from mpy_cross.emulator.testing_firmware import booted
from tests.emulator.manual_examples import Example, agrees, examples
from tests.emulator.manual_on_stock import IMAGES, StockPlayer
from tests.emulator.stock_images import stock_image

OTHERWISE: Final[dict[str, tuple[str, str]]] = {
    "E032-pico": ("PWM of this port has no init yet", "no attribute 'init'"),
    "E033-pico": ("PWM of this port takes the pin only", "doesn't take keyword arguments"),
    "E034-pico": ("PWM of this port takes the pin only", "doesn't take keyword arguments"),
    "E574-pico": ("pins of this port are numbers", "can't convert str to int"),
    "E589-pico": ("pins of this port are numbers", "can't convert str to int"),
    "E321-pyboard": ("the frequency is shown too", "Timer(4, freq=10, prescaler=624, "),
    "E338-pyboard": ("the angle is computed from the pulse, and rounded towards zero", "-59"),
    "E337-pyboard": ("the angle is computed from the pulse, and rounded towards zero",
                     "AssertionError"),
    "E339-pyboard": ("the angle is computed from the pulse, and rounded towards zero",
                     "AssertionError"),
    "E076-pyboard": ("time passes before the check is sent", "AssertionError"),
    "E161-pyboard": ("it sleeps for five ticks, of which the first has begun", "Time = 4."),
    "E329-pyboard": ("time passes between the lines typed", "AssertionError"),
    "E147-pyboard": ("boot.py has imported machine", "['__name__', 'machine', 'pyb']"),
    "E148-pyboard": ("boot.py has imported machine",
                     "['__name__', 'i', 'j', 'machine', 'pyb', 'x']"),
    "E537-pico": ("it counts from the start of the board", "407\n1407\n2407\n3407\n"),
}
"""Why the firmware does not do what the manual says or our run-time does, and what it does."""
MISSING: Final = {"pyboard": ("neopixel",), "pico": ("apa106", "dht", "neopixel")}
"""Modules of the manual that the images of this release have not."""
HID: Final = "import machine\nimport pyb\npyb.usb_mode('VCP+HID')\n"
BOOTS: Final = dict.fromkeys(("E314-pyboard", "E315-pyboard", "E316-pyboard", "E317-pyboard"), HID)
"""What boot.py has to do: USB keeps the mode in which it has begun."""

ALL = [each for each in examples() if each.board in IMAGES]
_NO_MODULE: Final = re.compile(r"ImportError: no module named '(\w+)'")


def label(example: Example) -> str:
    return f"{example.name}-{example.board}"


@pytest.mark.parametrize("example", ALL, ids=label)
def test_example(example: Example) -> None:
    name = label(example)
    session = booted(example.board, stock_image(IMAGES[example.board]))
    player = StockPlayer(example, session, BOOTS.get(name, ""))
    failure = printed = ""
    try:
        printed = player.run()
    except (AssertionError, RemoteError) as error:
        failure = str(error)
        missing = _NO_MODULE.search(failure)
        if missing is not None and missing[1] in MISSING[example.board]:
            pytest.skip(f"the firmware has no module {missing[1]}")
        if name not in OTHERWISE:
            raise
    if name in OTHERWISE:
        _, found = OTHERWISE[name]
        assert found in failure or found in printed, (failure, printed)
    elif player.expected or "prints" in example.sections:
        assert agrees(printed, player.expected), f"expected:\n{player.expected}\ngot:\n{printed}"
