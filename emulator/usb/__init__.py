"""The host's side of USB: what a computer does with a board that is plugged in."""
