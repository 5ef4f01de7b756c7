"""From the syntax tree to stack operations.

One walk over the tree records the `Op`s of every scope and notes its names; identifiers stay
symbolic until all scopes are known and are then resolved (see `module.lower`).
"""
