"""What a person can ask for: one file a verb, wired in `stack.__main__`."""
