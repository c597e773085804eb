"""The mailbox of the providers' tests."""

from tests.providers.conftest import open_channel, open_mailbox  # noqa: F401
