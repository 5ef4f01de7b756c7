"""What a host and the USB controller of a chip say to each other: transactions, as USB 2.0 has them
(chapter 8), without toggles and checksums, as nothing gets lost here.
"""

from __future__ import annotations

import enum
from typing import Protocol, final


@final
class Handshake(enum.Enum):
    """An answer that is no data."""

    ACK = "taken"
    NAK = "not now"
    STALL = "not supported, or halted"


class HostSide(Protocol):
    """What a controller calls."""

    def pulled(self, up: bool) -> None:
        """The device has switched its pull-up resistor on or off: it wants to be seen, or not."""

    def wake(self) -> None:
        """An endpoint that answered NAK may answer otherwise now."""


class Peripheral(Protocol):
    """A USB controller in device mode, as the host sees it. host: None while nobody listens."""

    host: HostSide | None

    @property
    def pulled_up(self) -> bool:
        """Is the pull-up resistor switched on?"""

    def plug(self, plugged: bool) -> None:
        """The cable is there, and with it the supply of 5 V, or is gone."""

    def reset(self, active: bool) -> None:
        """The host begins or ends a reset of the bus."""

    def setup(self, endpoint: int, data: bytes) -> Handshake:
        """A SETUP transaction with its eight bytes."""

    def take(self, endpoint: int, data: bytes) -> Handshake:
        """An OUT transaction: a packet for the device."""

    def give(self, endpoint: int) -> bytes | Handshake:
        """An IN transaction: a packet from the device."""
