"""The optimising back end: SSA between stack operations and machine code."""
