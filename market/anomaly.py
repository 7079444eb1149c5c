"""The words about anomalies: kinds, phases, severities, and the id of an episode. Pure."""

from hashlib import sha256
from typing import Literal, get_args

AnomalyKind = Literal["price_move", "volume", "divergence", "whale", "pump", "overtake", "silence"]
Phase = Literal["opened", "peaked", "resolved"]
Severity = Literal["low", "medium", "high", "critical"]

KINDS: tuple[AnomalyKind, ...] = get_args(AnomalyKind)
PHASES: tuple[Phase, ...] = get_args(Phase)
"""Of a revision: the first is opened; peaked where the peak has grown; the last is resolved."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The mildest first."""


def anomaly_id(kind: AnomalyKind, subject: str, started_at_ms: int) -> str:
    """The same for every revision of an episode and for every replay of its events."""
    return sha256(f"{kind}|{subject}|{started_at_ms}".encode()).hexdigest()[:24]
