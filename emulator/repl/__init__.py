"""The interactive prompt of a board, and what tools talk to.

`target` is what a console needs of a board: bytes in, bytes out, time.  `hosted` is such a target
made of a `Session`; the rest is the prompt itself, which a hosted board needs and firmware brings:
`lines` edits a line, `completion` finishes names, `continuation` knows whether a statement is
complete, `prompt` is the friendly and the raw REPL.
"""
