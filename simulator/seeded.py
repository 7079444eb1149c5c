"""Random streams that can be opened anywhere: one Philox generator for each named thing."""

from hashlib import blake2b

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of one named thing, the same in every process and in any order of asking."""
    label = "/".join(str(name) for name in (seed, *names))
    key = int.from_bytes(blake2b(label.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))
