"""Everything that is set from outside, as ``IDIC_*`` environment variables. Secrets are never printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from idic.errors import SettingsError

Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
Listed = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Lists are separated by commas. Times are real seconds."""

    model_config = SettingsConfigDict(env_prefix="IDIC_", extra="ignore", frozen=True)

    database_url: str = Field("sqlite:///idic.db", description="The store: sqlite:///file.db or postgresql://user@host/db")
    database_pool: int = Field(10, ge=1, description="Database connections a process keeps")

    temporal_address: str = Field("localhost:7233", description="Temporal's frontend, host:port")
    temporal_namespace: str = Field("default", description="Temporal's namespace")
    temporal_tls: bool = Field(False, description="Speak TLS to Temporal (implied by a certificate or an API key)")
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
    max_body: int = Field(512_000, ge=1_000, description="Largest body of a batch, bytes, unpacked")

    smtp_url: SecretStr | None = Field(
        None, description="Where mail goes: smtp://user:password@host:587, smtps://host:465, smtp+starttls://host"
    )
    email_accounts: Listed = Field(
        (),
        description="The accounts that mail goes by, the first first, the others when it is down: smtp, ses, sendgrid. By "
        "default all that are set up, in this order",
    )
    smtp_timeout: float = Field(20, gt=0, description="Seconds a mail server may take for one mail")
    email_from: str = Field(
        "Shop <hello@shop.example>", description="The sender of every mail for which the policy names no other"
    )
    email_reply_to: str | None = Field(None, description="Where answers to mails go")
    dkim_domain: str | None = Field(None, description="The domain that signs mail by SMTP and SES, by DKIM: none, unsigned")
    dkim_selector: str | None = Field(None, description="Under which name the domain's DNS shows the key: NAME._domainkey")
    dkim_key_file: str | None = Field(None, description="File with the private key, RSA or Ed25519, as PEM")

    ses_region: str | None = Field(None, description="Amazon SES's region, such as eu-central-1: if unset, nothing goes by SES")
    ses_access_key_id: str | None = Field(
        None, description="AWS's key: with none, AWS's usual places are searched, the machine's role among them"
    )
    ses_secret_access_key: SecretStr | None = Field(None, description="The secret of that key")
    ses_configuration_set: str | None = Field(None, description="The configuration set that makes SES report on messages")
    ses_topics: Listed = Field((), description="ARNs of the SNS topics whose reports on mail by SES are believed")
    ses_base_url: str | None = Field(None, description="What stands in for SES's API")
    ses_timeout: float = Field(20, gt=0, description="Seconds SES may take for one mail")

    sendgrid_api_key: SecretStr | None = Field(None, description="SendGrid's key: with none, no mail goes by SendGrid")
    sendgrid_webhook_key: str | None = Field(
        None, description="The public key that verifies SendGrid's reports: with none, they are not heard"
    )
    sendgrid_base_url: str = Field(
        "https://api.sendgrid.com", description="SendGrid's API; the EU's is https://api.eu.sendgrid.com"
    )
    sendgrid_timeout: float = Field(20, gt=0, description="Seconds SendGrid may take for one mail")

    sms_accounts: Listed = Field(
        (),
        description="The accounts that SMS go by, the first first, the others when it is down: twilio, telnyx, outbox. By "
        "default all that are set up, in this order",
    )
    twilio_account_sid: str | None = Field(None, description="Twilio's account: with none, SMS stay in the outbox, unsent")
    twilio_auth_token: SecretStr | None = Field(None, description="The token of that account; verifies its webhooks too")
    twilio_base_url: str = Field("https://api.twilio.com", description="Twilio's API, or what stands in for it")
    twilio_timeout: float = Field(15, gt=0, description="Seconds Twilio may take for one SMS")
    sms_from: str | None = Field(
        None, description="Who SMS by Twilio are from: a number such as +4915700000000, a name, or a messaging service (MG…)"
    )
    telnyx_api_key: SecretStr | None = Field(None, description="Telnyx's key: with none, no SMS go by Telnyx")
    telnyx_public_key: str | None = Field(None, description="Telnyx's public key, which verifies its webhooks")
    telnyx_from: str | None = Field(None, description="Who SMS by Telnyx are from: a number, or a name")
    telnyx_profile: str | None = Field(None, description="Telnyx's messaging profile, which a name needs")
    telnyx_base_url: str = Field("https://api.telnyx.com/v2", description="Telnyx's API, or what stands in for it")
    telnyx_timeout: float = Field(15, gt=0, description="Seconds Telnyx may take for one SMS")
    short_url: str | None = Field(None, description="The base of short links in SMS, where it is not the public URL")
    keep_copies: bool = Field(False, description="Keep every message as the customer got it, for the outbox")

    call_private: Listed = Field(
        (), description="Hosts in your own network that endpoints may name, such as erp.intranet: all others must be public"
    )

    delivery_timeout: float = Field(30, ge=2, description="Seconds of silence after which a worker counts as dead in a send")
    takeover: float = Field(5, gt=0, description="Seconds after which others go on with what a dead worker had in memory")
    deliveries: int = Field(50, ge=1, description="Deliveries a worker makes at the same time")
    rates: Listed = Field(
        (), description="Messages a second that all workers together may send by an account: smtp=50,twilio=10; others at will"
    )
    router_lease: float = Field(10, ge=1, description="Seconds for which a router holds its partitions unrenewed")
    reconcile_every: float = Field(300, ge=5, description="Seconds between two comparisons of the store with Temporal")
    log_format: str = Field("text", pattern="^(text|json)$", description="text for people, json for machines")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="debug, info, warning or error")

    @field_validator(
        *("write_keys", "secret_keys", "signing_keys", "proof_keys", "call_private"),
        *("email_accounts", "sms_accounts", "ses_topics", "rates"),
        mode="before",
    )
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


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
