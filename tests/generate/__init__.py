"""Generated programs: hypothesis draws them from a grammar, the reference compilers judge."""
