"""Passes over the SSA form, one a module."""
