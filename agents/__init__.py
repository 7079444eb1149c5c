"""Collectors: one file a source in `agents.sources`, and the runner that all of them share."""
