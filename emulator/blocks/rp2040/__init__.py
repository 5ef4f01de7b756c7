"""Blocks of the RP2040 (RP2040 datasheet)."""
