"""The hosted run-time: executes .mpy files on objects of the host.

How it is put together:

* `flow` and `translate` turn the operations of a function into a function of the host; `program`
  holds the functions of a file.  Translated code uses the host's operators and calls where they do
  what MicroPython does, and `support` and `attributes` elsewhere.
* `types` says how types map.  int, bool, str, bytes, tuple, list, dict, set, frozenset, range,
  slice, complex, functions, generators and exceptions are the host's; float is the host's or, on a
  board with single precision, `Float32`.  The program sees the core types as `BuiltinType`s: what
  `int(x)` does is its `construct`, what `x.name` finds is in its `attributes`.
* Everything else is a class derived from `HostObject`: its public names are the program's.
* A module is a `Module`, made by `build(runtime)` in `modules/NAME.py`; its values are functions of
  the host, types, and constants.
* Errors are exceptions of the host with MicroPython's texts.  Where the host raises by itself,
  `errors.caught` finds MicroPython's text when the program catches it.

Nothing here reads the host's clock, files or network: a program sees what the run-time is given.
"""
