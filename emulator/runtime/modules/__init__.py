"""The modules of the run-time: each file has `build(runtime)`, which makes the module."""
