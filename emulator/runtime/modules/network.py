"""Module `network` of the ESP32 and the ESP8266 (manual 1.2.8), without a radio.

There is no access point unless `machine.wiring.parts["wifi"]` has some, as {name: password}: then
the station connects to them after some time and gets an address.  Nothing is transmitted.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime.arguments import as_int, native
from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module

NAMES: Final[tuple[str, ...]] = ("network",)
STA_IF, AP_IF = 0, 1
AUTHENTICATION: Final = {"AUTH_OPEN": 0, "AUTH_WEP": 1, "AUTH_WPA_PSK": 2, "AUTH_WPA2_PSK": 3,
                         "AUTH_WPA_WPA2_PSK": 4}
STATUS_32: Final = {
    "STAT_IDLE": 1000, "STAT_CONNECTING": 1001, "STAT_GOT_IP": 1010, "STAT_NO_AP_FOUND": 201,
    "STAT_WRONG_PASSWORD": 202, "STAT_BEACON_TIMEOUT": 200, "STAT_ASSOC_FAIL": 203,
    "STAT_HANDSHAKE_TIMEOUT": 204}
STATUS_8266: Final = {
    "STAT_IDLE": 0, "STAT_CONNECTING": 1, "STAT_WRONG_PASSWORD": 2, "STAT_NO_AP_FOUND": 3,
    "STAT_CONNECT_FAIL": 4, "STAT_GOT_IP": 5}
NOWHERE: Final = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
CONNECTED: Final = ("192.168.0.2", "255.255.255.0", "192.168.0.1", "8.8.8.8")
ACCESS_POINT: Final = ("192.168.4.1", "255.255.255.0", "192.168.4.1", "8.8.8.8")
SEARCH: Final = 2000 * MS
"""How long the station takes to connect, or to find nobody: an estimate."""
OTHER_NAMES: Final = {"ssid": "essid", "key": "password", "security": "authmode",
                      "hostname": "dhcp_hostname"}
WPA2: Final = 3


class WLAN(HostObject):
    """`WLAN(interface_id)`; there is one object for each of the two."""

    _hw: ClassVar[Hardware]
    _known: ClassVar[dict[int, WLAN]]
    _status: ClassVar[dict[str, int]]

    def __new__(cls, interface_id: Any = STA_IF) -> WLAN:
        number = as_int(interface_id)
        if number not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        made = cls._known.get(number)
        if made is None:
            made = cls._known[number] = object.__new__(cls)
            made._begin(number)
        return made

    def __init__(self, interface_id: Any = STA_IF) -> None:
        pass

    _number: int
    _up: bool
    _state: str
    _address: tuple[str, ...]
    _values: dict[str, Any]
    _alarm: Alarm | None

    def _begin(self, number: int) -> None:
        hw = self._hw
        self._number, self._state, self._alarm = number, "STAT_IDLE", None
        small = hw.board.platform == "esp8266"
        mac = bytearray(hw.chip.mac)  # type: ignore[attr-defined]
        if number == AP_IF:
            if small:
                mac[0] |= 2
            else:
                mac[5] += 1
        # Fresh firmware of the ESP8266 is an access point.
        self._up = small and number == AP_IF
        tail = bytes(mac[3:]).hex()
        name = "" if number == STA_IF else f"MicroPython-{tail}" if small else f"ESP_{tail.upper()}"
        self._address = ACCESS_POINT if number == AP_IF else NOWHERE
        self._values = {
            "mac": bytes(mac), "essid": name, "channel": 1, "hidden": False, "authmode": 0,
            "password": "", "dhcp_hostname": "espressif", "reconnects": -1, "max_clients": 4}

    def _needs(self, number: int) -> None:
        if self._number != number:
            raise OSError("STA required" if number == STA_IF else "AP required")

    def _around(self) -> dict[str, str]:
        """The access points: names and passwords."""
        found: dict[str, str] = self._hw.wiring.parts.get("wifi", {})
        return found

    def active(self, *is_active: Any) -> bool:
        """Get whether the interface is up, or set it."""
        if is_active:
            self._up = bool(is_active[0])
            if not self._up:
                self._drop()
        return self._up

    def _drop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._state = "STAT_IDLE"
        if self._number == STA_IF:
            self._address = NOWHERE

    def connect(self, ssid: Any = None, password: Any = None, *, bssid: Any = None) -> None:
        """Connect to an access point: that takes time."""
        self._needs(STA_IF)
        if not self._up:
            raise OSError("Wifi Internal Error")
        if ssid is not None:
            self._values["essid"] = ssid
            self._values["password"] = password or ""
        self._drop()
        self._state = "STAT_CONNECTING"
        self._alarm = self._hw.alarm(SEARCH, self._searched)

    def _searched(self) -> None:
        self._alarm = None
        wanted = self._around().get(self._values["essid"])
        if wanted is not None and wanted == self._values["password"]:
            self._state, self._address = "STAT_GOT_IP", CONNECTED
        elif self._hw.board.platform == "esp32" and self._values["reconnects"] < 0:
            self._alarm = self._hw.alarm(SEARCH, self._searched)  # it tries again for ever
        else:
            self._state = "STAT_NO_AP_FOUND" if wanted is None else "STAT_WRONG_PASSWORD"

    def disconnect(self) -> None:
        """Disconnect."""
        self._needs(STA_IF)
        self._drop()

    def scan(self) -> list[tuple[Any, ...]]:
        """(ssid, bssid, channel, RSSI, authmode, hidden) of each access point."""
        self._needs(STA_IF)
        if not self._up:
            raise OSError("STA must be active")
        self._hw.spend(SEARCH)
        return [(name.encode(), bytes((2, 0, 0, 0, 0, at)), 1, -50, WPA2 if password else 0, False)
                for at, (name, password) in enumerate(self._around().items())]

    def status(self, *param: Any) -> int:
        """The state of the link, or 'rssi'."""
        if param:
            if param[0] != "rssi":
                raise ValueError("unknown status param")
            self._needs(STA_IF)
            if self._state != "STAT_GOT_IP":
                raise OSError("STA required")
            return -50
        return self._status[self._state]

    def isconnected(self) -> bool:
        """Has the station an address? Nobody connects to the access point."""
        return self._number == STA_IF and self._state == "STAT_GOT_IP"

    def ifconfig(self, *config: Any) -> Any:
        """Get or set address, mask, gateway and name server."""
        if not config:
            return self._address
        if config[0] != "dhcp":
            if len(config[0]) != 4:
                raise ValueError(f"requested length 4 but object has length {len(config[0])}")
            self._address = tuple(str(each) for each in config[0])
        return None

    def config(self, *param: Any, **values: Any) -> Any:
        """Get a parameter, or set several."""
        if param:
            if values or len(param) > 1:
                raise TypeError("either pos or kw args are allowed")
            return self._values[self._name(param[0])]
        for name, value in values.items():
            known = self._name(name)
            self._values[known] = bytes(value) if known == "mac" else value
        return None

    def _name(self, name: str) -> str:
        known = OTHER_NAMES.get(name, name)
        if known not in self._values or (
                known == "max_clients" and self._hw.board.platform == "esp8266"):
            raise ValueError("unknown config param")
        return known


def build(runtime: Runtime) -> Module:
    """Raises ImportError on boards without such a chip."""
    hw = prepared(runtime)
    if not hw.esp:
        raise ImportError("no module named 'network'")
    small = hw.board.platform == "esp8266"
    bound = hw.bind(WLAN)
    bound._known = {}
    status = bound._status = STATUS_8266 if small else STATUS_32
    modes = {"MODE_11B": 1, "MODE_11G": 2, "MODE_11N": 3 if small else 4}
    mode = [modes["MODE_11N"]]

    @native
    def phy_mode(new: Any = None, /) -> int | None:
        """Get or set the mode of the radio."""
        if new is None:
            return mode[0]
        mode[0] = as_int(new)
        return None

    values: dict[str, Any] = {
        "WLAN": bound, "STA_IF": STA_IF, "AP_IF": AP_IF, "phy_mode": phy_mode, **modes, **status,
        **AUTHENTICATION}
    return Module(NAMES[0], values)
