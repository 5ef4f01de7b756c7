"""The files that a pyboard makes on a new flash (manual 6.2.2, 6.2.8)."""

from __future__ import annotations

from typing import Final

_BOOT: Final = """\
# boot.py -- run on boot to configure USB and filesystem
# Put app code in main.py

import pyb
#pyb.main('main.py') # main script to run after this one
#pyb.usb_mode('VCP+MSC') # act as a serial and a storage device
#pyb.usb_mode('VCP+HID') # act as a serial device and a mouse
"""
_MAIN: Final = "# main.py -- put your code here!\n"
_README: Final = """\
This is the flash of an emulated pyboard.

boot.py and main.py run when it starts, in this order.  The prompt is on its serial port; open it
with mpremote or any terminal program.
"""
_DRIVER: Final = """\
; The USB serial port of a pyboard, for Windows before version 10
[Version]
Signature="$Windows NT$"
Class=Ports
ClassGuid={4D36E978-E325-11CE-BFC1-08002BE10318}
Provider=%Name%

[Manufacturer]
%Name%=Devices,NTx86,NTamd64

[Devices.NTx86]
%Name%=Port,USB\\VID_F055&PID_9800&MI_00

[Devices.NTamd64]
%Name%=Port,USB\\VID_F055&PID_9800&MI_00

[Port]
Include=mdmcpq.inf
CopyFiles=FakeModemCopyFileSection
AddReg=LowerFilterAddReg,SerialPropPageAddReg

[Port.Services]
Include=mdmcpq.inf
AddService=usbser,0x00000002,LowerFilter_Service_Inst

[Strings]
Name="Pyboard USB Comm Port"
"""


def _file(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("ascii")


FACTORY_FILES: Final[dict[str, bytes]] = {
    "boot.py": _file(_BOOT),
    "main.py": _file(_MAIN),
    "pybcdc.inf": _file(_DRIVER),
    "README.txt": _file(_README),
}
"""Contents by name, in the order of the directory."""
