"""Chips: memory map, blocks, interrupts and pads."""
