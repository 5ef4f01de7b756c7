"""The inline assemblers: `@micropython.asm_thumb`, `asm_xtensa` and `asm_rv32`."""
