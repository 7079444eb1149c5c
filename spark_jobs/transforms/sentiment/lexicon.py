"""The crypto lexicon: `lexicon.json`, made by `./cryptoviz evaluate sentiment --build`.

Every entry has a valence (VADER's unit, -4 to 4) and a neutrality (how much it speaks for a
headline that takes no side). Words of VADER's own lexicon that have no entry keep `stock` times
their valence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Weights, and how they decide on a label; see docs/methodology.md."""

    version: str
    fitted_on: str
    """Digest of the labelled headlines: an evaluation on them is in-sample, and says so."""
    entries: Mapping[str, tuple[float, float]]
    """By word, or phrase joined by `_`: (valence, neutrality)."""
    stock: tuple[float, float, float]
    """For a word of VADER's own with valence s: valence a x s, neutrality b x s + c x |s|."""
    sharpness: float
    """How much a unit of valence weighs against a unit of neutrality."""
    bias_valence: float
    bias_neutrality: float

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "Lexicon":
        """The content of a lexicon's file."""
        stock_a, stock_b, stock_c = held["stock"]
        return cls(
            version=held["version"],
            fitted_on=held["fitted_on"],
            entries={word: (valence, quiet) for word, (valence, quiet) in held["entries"].items()},
            stock=(stock_a, stock_b, stock_c),
            sharpness=held["sharpness"],
            bias_valence=held["bias_valence"],
            bias_neutrality=held["bias_neutrality"],
        )


@cache
def shipped() -> Lexicon:
    """The lexicon that the platform uses."""
    held = files("spark_jobs.transforms.sentiment").joinpath("lexicon.json").read_bytes()
    return Lexicon.of(orjson.loads(held))
