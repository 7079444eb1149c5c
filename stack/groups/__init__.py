"""Verbs that have verbs of their own: one Typer group a file, added in `stack.__main__`."""
