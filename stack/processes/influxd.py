"""InfluxDB 2: start, set up once, and the two tokens that the platform uses.

The operator token is kept beside them, mode 0600, because buckets of later measurements are made
with it and influxd has no other door; no child ever receives it. The password of the first user is
thrown away.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from stack.failure import Failure
from stack.home import write_whole
from stack.processes.command import Command, answers
from stack.settings import HOST

NAME = "influxd"
DAY_S = 86_400
SPEED_RETENTION_S = 30 * DAY_S
# Bars of one second are 60 times the minutes, and nobody looks at last week second by second.
SECONDS_RETENTION_S = 2 * DAY_S
FOR_EVER = 0
# 1,000 daily bars would open 143 shards of a week each.
LONG_SHARD_S = 30 * DAY_S
QUERY_CONCURRENCY = 8
QUERY_QUEUE = 64
READ_TOKEN = "cryptoviz reads"  # noqa: S105 - a description
WRITE_TOKEN = "cryptoviz writes"  # noqa: S105 - a description


@dataclass(frozen=True, slots=True)
class Buckets:
    """Organisation and buckets. A retention of 0 keeps for ever."""

    org: str
    main: str
    speed: str
    seconds: str
    speed_retention_s: int
    seconds_retention_s: int


@dataclass(frozen=True, slots=True)
class InfluxAccess:
    """What clients need. `read_token` reads all buckets, `write_token` writes all."""

    url: str
    org: str
    bucket: str
    speed_bucket: str
    seconds_bucket: str
    read_token: str
    write_token: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Content of tokens.json; empty where not made yet."""

    operator: str
    read: str = ""
    write: str = ""
    bucket_ids: tuple[str, ...] = ()


class InfluxServer:
    """An influxd whose state is in `folder`."""

    def __init__(
        self, folder: Path, binary: Path, *, port: int, memory_mb: int, query_mb: int
    ) -> None:
        self._folder = folder
        self._binary = binary
        self._port = port
        self._memory_mb = memory_mb
        self._query_mb = query_mb

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://{HOST}:{self._port}"

    @property
    def tokens_file(self) -> Path:
        """Where the tokens are kept."""
        return self._folder / "tokens.json"

    def command(self) -> Command:
        """How it is started."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return Command(
            name=NAME,
            argv=(
                str(self._binary),
                *("--bolt-path", str(self._folder / "influxd.bolt")),
                *("--sqlite-path", str(self._folder / "influxd.sqlite")),
                *("--engine-path", str(self._folder / "engine")),
                *("--http-bind-address", f"{HOST}:{self._port}"),
                "--reporting-disabled",
                "--hardening-enabled",
                "--ui-disabled",
                "--no-tasks",
                f"--query-concurrency={QUERY_CONCURRENCY}",
                f"--query-queue-size={QUERY_QUEUE}",
                f"--query-memory-bytes={self._query_mb * 1_000_000}",
            ),
            cwd=self._folder,
            env={"GOMEMLIMIT": f"{self._memory_mb}MiB"},
            is_ready=self.is_ready,
            stop_grace_s=20.0,
        )

    def is_ready(self) -> bool:
        """Whether it answers as ready."""
        return answers(f"{self.url}/health")

    def set_up(self, buckets: Buckets) -> InfluxAccess:
        """Organisation, buckets and tokens, once; a set-up cut short is finished here."""
        tokens = self._operator(buckets)
        with httpx.Client(
            base_url=f"{self.url}/api/v2",
            headers={"Authorization": f"Token {tokens.operator}"},
            timeout=20.0,
            trust_env=False,
        ) as client:
            org_id = _call(client, "GET", "/orgs", params={"org": buckets.org})["orgs"][0]["id"]
            ids = [
                _bucket(client, org_id, buckets.main, FOR_EVER),
                _bucket(client, org_id, buckets.speed, buckets.speed_retention_s),
                _bucket(client, org_id, buckets.seconds, buckets.seconds_retention_s),
            ]
            # A home of an earlier version has tokens for fewer buckets.
            if not (tokens.read and tokens.write and list(tokens.bucket_ids) == ids):
                _forget_tokens(client, org_id)
                tokens = Tokens(
                    operator=tokens.operator,
                    read=_token(client, org_id, ids, action="read", description=READ_TOKEN),
                    write=_token(client, org_id, ids, action="write", description=WRITE_TOKEN),
                    bucket_ids=tuple(ids),
                )
                self._keep(tokens)
        return InfluxAccess(
            url=self.url,
            org=buckets.org,
            bucket=buckets.main,
            speed_bucket=buckets.speed,
            seconds_bucket=buckets.seconds,
            read_token=tokens.read,
            write_token=tokens.write,
        )

    def _operator(self, buckets: Buckets) -> Tokens:
        """The tokens; the operator token is ours and kept before InfluxDB hears of it."""
        try:
            tokens = Tokens(**json.loads(self.tokens_file.read_text("utf-8")))
        except FileNotFoundError:
            tokens = Tokens(operator=secrets.token_urlsafe(48))
            self._keep(tokens)
        with httpx.Client(base_url=f"{self.url}/api/v2", timeout=20.0, trust_env=False) as client:
            if _call(client, "GET", "/setup")["allowed"]:
                first = {
                    "username": "cryptoviz",
                    "password": secrets.token_urlsafe(24),
                    "org": buckets.org,
                    "bucket": buckets.main,
                    "retentionPeriodSeconds": FOR_EVER,
                    "token": tokens.operator,
                }
                _call(client, "POST", "/setup", body=first)
        return tokens

    def _keep(self, tokens: Tokens) -> None:
        write_whole(self.tokens_file, json.dumps(asdict(tokens)), mode=0o600)


def read_access(tokens_file: Path, *, url: str, buckets: Buckets) -> InfluxAccess:
    """Access to an influxd that was set up before. Raises FileNotFoundError where none was."""
    tokens = Tokens(**json.loads(tokens_file.read_text("utf-8")))
    return InfluxAccess(
        url=url,
        org=buckets.org,
        bucket=buckets.main,
        speed_bucket=buckets.speed,
        seconds_bucket=buckets.seconds,
        read_token=tokens.read,
        write_token=tokens.write,
    )


def _bucket(client: httpx.Client, org_id: str, name: str, retention_s: int) -> str:
    """Id of the bucket, made or corrected where needed."""
    rule: dict[str, Any] = {"type": "expire", "everySeconds": retention_s}
    if retention_s == FOR_EVER:
        rule["shardGroupDurationSeconds"] = LONG_SHARD_S
    held = _call(client, "GET", "/buckets", params={"orgID": org_id, "name": name}, may_miss=True)
    if held.get("buckets"):
        bucket_id = held["buckets"][0]["id"]
        _call(client, "PATCH", f"/buckets/{bucket_id}", body={"retentionRules": [rule]})
        return str(bucket_id)
    body = {"orgID": org_id, "name": name, "retentionRules": [rule]}
    return str(_call(client, "POST", "/buckets", body=body)["id"])


def _token(
    client: httpx.Client, org_id: str, bucket_ids: list[str], *, action: str, description: str
) -> str:
    permissions = [
        {"action": action, "resource": {"type": "buckets", "id": bucket_id, "orgID": org_id}}
        for bucket_id in bucket_ids
    ]
    body = {"orgID": org_id, "description": description, "permissions": permissions}
    return str(_call(client, "POST", "/authorizations", body=body)["token"])


def _forget_tokens(client: httpx.Client, org_id: str) -> None:
    """Delete tokens of an earlier try whose answer was never kept."""
    held = _call(client, "GET", "/authorizations", params={"orgID": org_id})
    for token in held["authorizations"]:
        if token["description"] in (READ_TOKEN, WRITE_TOKEN):
            _call(client, "DELETE", f"/authorizations/{token['id']}")


def _call(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    may_miss: bool = False,
) -> Any:  # noqa: ANN401 - JSON of many shapes
    try:
        answer = client.request(method, path, json=body, params=params)
    except httpx.HTTPError as error:
        raise Failure(f"InfluxDB does not answer {method} {path}: {error}") from error
    if may_miss and answer.status_code == httpx.codes.NOT_FOUND:
        return {}
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Failure(
            "InfluxDB refuses the operator token of this home.",
            fix="Its tokens.json is not of its data: move the home's influxdb folder away.",
        )
    if answer.is_error:
        raise Failure(f"InfluxDB refused {method} {path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else {}
