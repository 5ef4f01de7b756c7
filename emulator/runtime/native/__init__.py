"""The native bridge: machine code of .mpy files on the board's core, served by the run-time."""
