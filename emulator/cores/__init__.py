"""Cores: what executes machine code. The engine, Unicorn, is loaded when a core is made."""
