"""Proofs that the whole platform keeps its promises, run as a person would run it."""
