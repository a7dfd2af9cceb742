"""The URLs that the instances make, read by the libraries that Saleor reads them with.

These live in .venv-audit, which scripts/audit.sh makes.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import Any

import pytest

from tests.helpers.commands import ROOT
from tests.helpers.terraform import SOURCE

PYTHON = ROOT / ".venv-audit" / "bin" / "python"
PASSWORD = "0123456789abcdefghij"
MAKE = """
set -euo pipefail
source "$LIB"
export DATABASE_URL CACHE_URL CELERY_BROKER_URL
DATABASE_URL=$(database_url "$PASSWORD")
CACHE_URL=$(cache_url)
CELERY_BROKER_URL=$(broker_url)
"$PYTHON" -c "$READ"
"""
READ = """
import json, os, ssl
import dj_database_url, django_cache_url, kombu, redis

database = dj_database_url.config()
cache = django_cache_url.config()
broker = kombu.Connection(os.environ["CELERY_BROKER_URL"])
location = redis.ConnectionPool.from_url(cache["LOCATION"]).make_connection()
bare = kombu.Connection(os.environ["CELERY_BROKER_URL"].split("?")[0])
print(json.dumps({
    "database": database,
    "cache": cache,
    "cache_connection": {
        "class": type(location).__name__,
        "required": location.cert_reqs == ssl.CERT_REQUIRED,
        "host_checked": location.check_hostname,
        "db": location.db,
    },
    "broker": {
        "transport": broker.transport_cls,
        "host": broker.hostname,
        "port": broker.port,
        "db": broker.virtual_host,
        "required": broker.ssl["ssl_cert_reqs"] == ssl.CERT_REQUIRED,
    },
    "bare_broker_required": bare.ssl["ssl_cert_reqs"] == ssl.CERT_REQUIRED,
}))
"""


@cache
def understood() -> dict[str, Any]:
    """What the libraries make of the URLs that lib.sh makes."""
    if not PYTHON.exists():
        reason = "there is no .venv-audit; scripts/audit.sh --venv makes it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        ["bash", "-c", MAKE],
        env={
            "PATH": "/usr/bin:/bin",
            "LIB": str(SOURCE / "templates" / "lib.sh"),
            "PYTHON": str(PYTHON),
            "READ": READ,
            "PASSWORD": PASSWORD,
            "DATABASE_HOST": "db.example.internal",
            "DATABASE_NAME": "saleor",
            "REDIS_HOST": "redis.example.internal",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    meant: dict[str, Any] = json.loads(done.stdout)
    return meant


def test_the_database_is_checked_by_its_certificate() -> None:
    database = understood()["database"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("saleor", PASSWORD)
    assert (database["HOST"], database["PORT"]) == ("db.example.internal", 5432)
    assert database["NAME"] == "saleor"
    assert database["OPTIONS"] == {
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ssl/rds-ca.pem",
    }


def test_the_certificate_is_where_the_containers_look_for_it() -> None:
    compose = (SOURCE / "templates" / "compose.yaml.tftpl").read_text()
    assert ":/etc/ssl/rds-ca.pem:ro" in compose


def test_the_broker_is_checked_by_its_certificate() -> None:
    assert understood()["broker"] == {
        "transport": "rediss",
        "host": "redis.example.internal",
        "port": 6379,
        "db": "0",
        "required": True,
    }


def test_which_it_would_not_be_without_asking() -> None:
    """The premise of the test above."""
    assert understood()["bare_broker_required"] is False


def test_the_cache_is_checked_and_takes_nothing_for_a_setting_of_django() -> None:
    assert understood()["cache"] == {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "rediss://redis.example.internal:6379/1",
    }
    assert understood()["cache_connection"] == {
        "class": "SSLConnection",
        "required": True,
        "host_checked": True,
        "db": 1,
    }
