"""The optimising back end."""
