"""Blocks of the Cortex-M cores (ARMv7-M and ARMv6-M manuals)."""
