"""The classes of module `pyb` that module `machine` does not have."""
