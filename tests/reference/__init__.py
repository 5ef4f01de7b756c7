"""MicroPython's own test programs, run on the hosted run-time and compared with what they print."""
