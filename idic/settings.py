"""Everything that is set from outside, as ``IDIC_*`` environment variables. Secrets are never printed.

The settings of a provider stand beside it (``idic/providers/<vendor>/account.py``); here they become one object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from idic.errors import SettingsError
from idic.journey.channels import CHANNELS
from idic.providers.registry import PROVIDERS, names_of
from idic.setting_types import Listed, Secrets

if TYPE_CHECKING:
    from idic.providers.sendgrid.account import SendGridSettings
    from idic.providers.ses.account import SesSettings
    from idic.providers.smtp.account import SmtpSettings
    from idic.providers.telnyx.account import TelnyxSettings
    from idic.providers.twilio.account import TwilioSettings

    class _OfProviders(TelnyxSettings, TwilioSettings, SendGridSettings, SesSettings, SmtpSettings):
        email_accounts: tuple[str, ...]
        sms_accounts: tuple[str, ...]

else:

    def _account_fields() -> Iterator[tuple[str, Any]]:
        for channel in CHANNELS.values():
            names = names_of(channel.name)
            if not channel.placed and names:
                description = (
                    f"The accounts for {channel.word}, in order of preference: {', '.join(names)}. By default all that are set "
                    "up, in this order"
                )
                yield f"{channel.name}_accounts", (Listed, Field((), description=description))

    def _of_providers() -> type[BaseModel]:
        """One model with the settings of every provider. pydantic lists the fields of the last base first."""
        classes = dict.fromkeys(provider.settings for provider in PROVIDERS.values() if provider.settings is not None)
        accounts = create_model("AccountSettings", **dict(_account_fields()))
        return create_model("ProviderSettings", __base__=(*reversed(classes), accounts))

    _OfProviders = _of_providers()


class _StoreAndApi(BaseModel):
    database_url: str = Field("sqlite:///idic.db", description="The store: sqlite:///file.db or postgresql://user@host/db")
    database_pool: int = Field(10, ge=1, description="Database connections a process keeps")

    temporal_address: str = Field("localhost:7233", description="Temporal's frontend, host:port")
    temporal_namespace: str = Field("default", description="Temporal's namespace")
    temporal_tls: bool = Field(False, description="Use TLS with Temporal (implied by a certificate or an API key)")
    temporal_api_key: SecretStr | None = Field(None, description="Temporal Cloud's API key")
    temporal_tls_cert: str | None = Field(None, description="File with the client certificate for mTLS")
    temporal_tls_key: str | None = Field(None, description="File with the client certificate's key")
    temporal_tls_ca: str | None = Field(None, description="File with the server's root certificate")

    public_url: str = Field("http://localhost:8700", description="Where customers reach the API: the base of tracked links")
    write_keys: Secrets = Field((), description="Keys that may send events")
    secret_keys: Secrets = Field((), description="Keys that may read customers and enroll them")
    signing_keys: Secrets = Field((), description="Keys that sign links: the first signs, all verify")
    proof_keys: Secrets = Field(
        (),
        description="Keys with which the shop's server proves to the web script who is signed in: the first proves, all verify",
    )
    console: Literal["off", "key", "open"] = Field(
        "key", description="The console: off, behind a secret key, or open (for this machine only)"
    )
    temporal_ui: str | None = Field(None, description="Where Temporal's UI is, for links from the console")
    rate_limit: float = Field(
        2000,
        ge=0,
        description="Messages a second that one key may send to a process of the API, ten seconds' worth at once; 0: no limit",
    )
    max_body: int = Field(512_000, ge=1_000, description="The largest body of a batch, in bytes, unpacked")


class Settings(_OfProviders, _StoreAndApi, BaseSettings):
    """Lists are separated by commas. Times are real seconds."""

    model_config = SettingsConfigDict(env_prefix="IDIC_", extra="ignore", frozen=True)

    short_url: str | None = Field(None, description="The base of short links in SMS, where it is not the public URL")
    keep_copies: bool = Field(False, description="Keep every message as the customer got it, for the outbox")

    call_private: Listed = Field(
        (), description="Hosts in your own network that endpoints may call, such as erp.intranet: all others must be public"
    )

    delivery_timeout: float = Field(
        30, ge=2, description="Seconds of silence after which a worker that delivers counts as dead"
    )
    takeover: float = Field(5, gt=0, description="Seconds after which other workers take over from a dead one")
    deliveries: int = Field(50, ge=1, description="Deliveries a worker makes at the same time")
    rates: Listed = Field(
        (),
        description="Messages a second that all workers together may send by an account: smtp=50,twilio=10",
    )
    router_lease: float = Field(
        10, ge=1, description="Seconds after which a router that does not renew its lease loses its partitions"
    )
    reconcile_every: float = Field(300, ge=5, description="Seconds between two reconciliations of the store with Temporal")
    log_format: str = Field("text", pattern="^(text|json)$", description="text for people, json for machines")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error")


def load() -> Settings:
    """The settings of this process. Raises ``SettingsError`` naming each variable that is wrong, not its value."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(
            "; ".join(f"IDIC_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        ) from None


def endpoint_secrets(environment: Mapping[str, str]) -> dict[str, SecretStr]:
    """What endpoints may name as ``secrets.NAME``: every ``IDIC_SECRET_NAME`` of the environment, by its name in small
    letters. idic's own settings are none of them, so ``secrets.keys`` is not IDIC_SECRET_KEYS."""
    prefix = "IDIC_SECRET_"
    own = {f"IDIC_{name.upper()}" for name in Settings.model_fields}
    return {
        variable.removeprefix(prefix).lower(): SecretStr(value)
        for variable, value in environment.items()
        if variable.startswith(prefix) and variable not in own and value.strip()
    }


def described() -> list[tuple[str, str, str]]:
    """Every setting as (variable, default in words, meaning), in the order of the class."""
    listed = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else str(field.default)
        listed.append((f"IDIC_{name.upper()}", default, field.description or ""))
    return listed
