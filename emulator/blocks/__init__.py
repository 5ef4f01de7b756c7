"""Device blocks, by family of chips."""
