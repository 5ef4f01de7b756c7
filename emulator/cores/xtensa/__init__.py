"""Xtensa cores: the LX106 of the ESP8266 and the LX6 of the ESP32.

`models` says what each configuration has, `decode` makes instructions of words by the assembler's
table, `state` is what instructions change, `exceptions` and `special` how.  `interpreter` executes
one instruction after the other, by the functions in `integer`, `multiply_add`, `single` (with
`softfloat` and `steps`) and `system`, on the memory of `memory`.

`base` and `hosted` make a core of whatever executes: runs, interrupts, breakpoints, calls from the
host and traps to it.  `interpreted_core` is one with the interpreter, `core` one that translates to
machine code of Unicorn's, for which the interpreter does what is rare.

Where this differs from the chips: PS.RING and the attributes of memory regions protect nothing;
the steps for double precision (f64iter and so on) are illegal instructions; S32C1I is done in all
memories whatever ATOMCTL says; CCOUNT follows from the count of instructions.
"""
