"""Secrets of endpoints: from the environment, told apart from idic's own, and missed at the start of a worker."""

from __future__ import annotations

from structlog.testing import capture_logs

import worker
from idic.settings import endpoint_secrets
from idic.store.database import Store
from tests.conftest import HandClock
from tests.router.test_calls import stocked
from tests.router.world import World


def test_secrets_are_those_of_the_environment_but_not_idics_own() -> None:
    environment = {
        "IDIC_SECRET_ERP_TOKEN": "abc", "IDIC_SECRET_KEYS": "sk_of_the_api", "IDIC_SECRET_BLANK": " ", "SECRET_X": "x",
        "IDIC_SMTP_URL": "smtp://a:b@c",
    }  # fmt: skip
    secrets = endpoint_secrets(environment)
    assert {name: secret.get_secret_value() for name, secret in secrets.items()} == {"erp_token": "abc"}
    assert "abc" not in str(secrets)


async def test_a_worker_says_at_its_start_what_is_missing(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(stocked())
    with capture_logs() as logs:
        await worker.warn_of_missing(store, world.runtime, {})
        await worker.warn_of_missing(store, world.runtime, endpoint_secrets({"IDIC_SECRET_ERP_TOKEN": "abc"}))
    (warned,) = logs
    assert (warned["journey"], warned["set"]) == ("trip", ("IDIC_SECRET_ERP_TOKEN",))
