"""`dead-letters`: what was refused, why, and publishing it again after a fix."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

from market.clock import open_clock
from schemas.dissection import Dissection, dissect
from schemas.record_types import REASONS
from stack.console import console, say
from stack.dead_letters import BY_TOPIC, Filter, Letter, Redrive, judge, read_letters, redrive
from stack.demo import parse_from
from stack.failure import EXIT_USAGE, Failure
from stack.home import ActiveRun, Home
from stack.locks import Busy, held
from stack.settings import StackSettings

DETAIL_SHOWN = 80
PAYLOAD_SHOWN = 400


def filter_of(
    *, topic: str | None, reason: str | None, start: str | None, end: str | None
) -> Filter:
    """The filter of the options. Raises Failure for a topic or reason that does not exist."""
    if topic is not None and topic not in BY_TOPIC:
        raise _usage(f"Unknown topic {topic}.", f"Topics: {', '.join(BY_TOPIC)}.")
    if reason is not None and reason not in REASONS:
        raise _usage(f"Unknown reason {reason}.", f"Reasons: {', '.join(REASONS)}.")
    from_ms, to_ms = (None if text is None else parse_from(text)[0] for text in (start, end))
    return Filter(topic=topic, reason=reason, from_ms=from_ms, to_ms=to_ms)


def list_letters(settings: StackSettings, wanted: Filter, *, as_json: bool) -> None:
    """One line a letter, then counts by topic and reason."""
    _running_home(settings)
    letters = list(read_letters(settings.kafka_bootstrap, wanted))
    if as_json:
        _print_json([_as_json(letter) for letter in letters])
        return
    table = Table(box=None)
    for heading in ("letter", "observed", "refused by", "topic", "reason", "detail"):
        table.add_column(heading, no_wrap=True)
    for one in letters:
        table.add_row(
            one.letter_id,
            _iso(one.observed_at_ms),
            one.source,
            one.topic,
            one.reason,
            one.detail[:DETAIL_SHOWN],
        )
    if letters:
        console.print(table)
    for (topic, reason), count in sorted(Counter((o.topic, o.reason) for o in letters).items()):
        say(f"{count:>8,}  {topic}  {reason}")
    say(f"{len(letters):,} dead letters.")


def show(settings: StackSettings, letter_id: str, *, as_json: bool) -> None:
    """One letter, decoded as far as possible."""
    home = _running_home(settings)
    found = list(read_letters(settings.kafka_bootstrap, Filter(letter_id=letter_id)))
    exact = [one for one in found if one.letter_id == letter_id] or found
    if len(exact) != 1:
        problem = "No letter" if not exact else f"{len(exact)} letters"
        raise _usage(f"{problem} with the id {letter_id}.", "`dead-letters list` shows the ids.")
    (letter,) = exact
    seen = dissect(letter.payload)
    refusal = judge(letter, now_ms=_now_ms(home)).refusal
    if as_json:
        _print_json(
            {
                **_as_json(letter),
                "payload_hex": letter.payload.hex(),
                "dissection": asdict(seen),
                "passes_now": refusal is None,
                "refused_now_because": refusal,
            }
        )
        return
    _show_letter(letter, seen)
    say(f"today          {'it would pass' if refusal is None else refusal}")


def redrive_letters(
    settings: StackSettings, wanted: Filter, *, dry_run: bool, as_json: bool
) -> None:
    """Publish again what passes now."""
    home = _running_home(settings)
    try:
        with held(home.path / "locks" / "redrive.lock"):
            letters = list(read_letters(settings.kafka_bootstrap, wanted))
            outcome = redrive(
                settings.kafka_bootstrap, letters, now_ms=_now_ms(home), dry_run=dry_run
            )
    except Busy:
        raise Failure("Another re-drive is at work here.", fix="Wait until it ends.") from None
    if as_json:
        _print_json(
            {
                "dry_run": dry_run,
                "published": [one.letter_id for one in outcome.published],
                "already": [one.letter_id for one in outcome.already],
                "refused": {one.letter.letter_id: one.refusal for one in outcome.refused},
            }
        )
        return
    _say_outcome(outcome, dry_run=dry_run)


def _say_outcome(outcome: Redrive, *, dry_run: bool) -> None:
    for topic, count in sorted(Counter(one.topic for one in outcome.published).items()):
        say(f"{count:>8,}  {'would go' if dry_run else 'published'} to {topic}")
    if outcome.already:
        say(f"{len(outcome.already):>8,}  were re-driven before: nothing added")
    reasons = Counter(one.refusal for one in outcome.refused)
    for refusal, count in reasons.most_common():
        say(f"{count:>8,}  stay: {refusal}")
    if not (outcome.published or outcome.already or outcome.refused):
        say("No dead letter passes the filter.")


def _show_letter(letter: Letter, seen: Dissection) -> None:
    stands = "refused before Kafka"
    if letter.partition is not None:
        stands = f"partition {letter.partition}, offset {letter.offset}"
    say(f"letter         {letter.letter_id}")
    say(f"observed       {_iso(letter.observed_at_ms)}")
    say(f"refused by     {letter.source}")
    say(f"topic          {letter.topic} ({stands})")
    say(f"reason         {letter.reason}: {letter.detail}")
    say(f"bytes          {seen.size_bytes:,}")
    if seen.schema_id is not None:
        name = "unknown" if seen.record_name is None else f"{seen.record_name} v{seen.version}"
        say(f"schema id      {seen.schema_id} ({name})")
    for name, content in seen.fields.items():
        say(f"  {name:<22} {content!r}")
    if seen.problem is not None:
        say(f"first bad byte {seen.first_bad_byte}: {seen.problem}")
        say(f"payload        {letter.payload[:PAYLOAD_SHOWN]!r}")


def _as_json(letter: Letter) -> dict[str, Any]:
    fields = asdict(letter)
    del fields["payload"]
    fields["key"] = None if letter.key is None else letter.key.decode("utf-8", "replace")
    return fields


def _print_json(content: object) -> None:
    text = orjson.dumps(content, default=repr, option=orjson.OPT_INDENT_2)
    console.out(text.decode(), highlight=False)


def _iso(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _now_ms(home: Home) -> int:
    clock: Path | None = home.clock_file if home.clock_file.exists() else None
    return open_clock(clock).now_ms()


def _running_home(settings: StackSettings) -> Home:
    run = ActiveRun.read(settings.home_root)
    if run is None or not run.is_alive():
        raise Failure(
            "Nothing is running, so there is no Kafka to read.",
            fix="Start the platform in another terminal with `./cryptoviz up`.",
        )
    return Home(Path(run.home))


def _usage(message: str, fix: str) -> Failure:
    return Failure(message, fix=fix, exit_code=EXIT_USAGE)
