"""Blocks of the STM32F4 family (reference manual RM0090)."""
