"""Programs on stock firmware seen from outside: its virtual machine, read in its memory."""
