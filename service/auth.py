"""Who is asking: bearer tokens, of which only the SHA-256 is kept.

The tokens file is TOML, one table for each token:

    [[token]]
    sha256 = "…"            # of the token; `docalign serve --new-token TENANT` prints both
    tenant = "acme"
    admin = false           # may change the model
    judge = false           # opens the page at /rank, which shows documents to rank
    requests = 16           # at a time
    pages_per_minute = 600
    jobs = 20               # not yet finished
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from docalign.config import read_toml
from docalign.errors import ConfigError, NotAllowedError

__all__ = ["LOCAL", "Caller", "Tokens", "new_token"]

_PREFIX: Final = "docalign_"
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_TENANT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A tenant and what it may use; None is no limit."""

    tenant: str
    admin: bool = False
    judge: bool = False
    requests: int | None = None
    pages_per_minute: int | None = None
    jobs: int | None = None


LOCAL: Final = Caller("local", admin=True, judge=True)
"""Whoever calls a service that listens on loopback without tokens."""


class Tokens:
    """The known tokens. Every one is compared with, in constant time, whichever fits."""

    def __init__(self, known: dict[str, Caller]) -> None:
        self._known = {bytes.fromhex(digest): caller for digest, caller in known.items()}

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """
        Raises:
            ConfigError: the file is no TOML, or a table in it is not as it must be.
        """
        tables = read_toml(path)
        unknown = set(tables) - {"token"}
        entries = tables.get("token", [])
        if unknown or not isinstance(entries, list) or not entries:
            raise ConfigError("it must hold [[token]] tables and nothing else.", source=str(path))
        return cls(dict(_entry(entry, f"{path}, token {i + 1}") for i, entry in enumerate(entries)))

    def caller(self, authorization: str | None) -> Caller:
        """Whose token an Authorization header carries.

        Raises:
            NotAllowedError: none, or an unknown one.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAllowedError("this needs a token.", remedy="Send the header `Authorization: Bearer TOKEN`.")
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        found: Caller | None = None
        for known, caller in self._known.items():
            if hmac.compare_digest(known, digest):
                found = caller
        if found is None:
            raise NotAllowedError("the token is not known.", remedy="Ask whoever runs the service for another.")
        return found


def new_token(tenant: str) -> tuple[str, str]:
    """A fresh token, and the table of the tokens file that admits it.

    Raises:
        ConfigError: the tenant's name has other characters than letters, digits, `.`, `_` and `-`.
    """
    _check_tenant(tenant, tenant)
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, f'[[token]]\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\ntenant = "{tenant}"\n'


def _entry(entry: Any, where: str) -> tuple[str, Caller]:
    if not isinstance(entry, dict):
        raise ConfigError("it is no table.", source=where, remedy="Write [[token]].")
    values = dict(entry)
    digest = values.pop("sha256", None)
    if not isinstance(digest, str) or not _HEX.fullmatch(digest):
        raise ConfigError("sha256 must be 64 hex digits.", source=where, remedy="Never put the token itself there.")
    known = {f.name for f in fields(Caller)}
    if set(values) - known:
        raise ConfigError(f"unknown key {min(set(values) - known)!r}.", source=where, remedy=f"Known: {sorted(known)}.")
    _check_tenant(values.get("tenant"), where)
    for name in ("requests", "pages_per_minute", "jobs"):
        if name in values and (type(values[name]) is not int or values[name] < 0):
            raise ConfigError(f"{name} must be a whole number, 0 or more.", source=where)
    for name in ("admin", "judge"):
        if not isinstance(values.get(name, False), bool):
            raise ConfigError(f"{name} must be true or false.", source=where)
    return digest, Caller(**values)


def _check_tenant(tenant: object, where: str) -> None:
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise ConfigError("a tenant's name is 1 to 64 letters, digits, `.`, `_` or `-`.", source=where)
