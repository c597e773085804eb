"""Every error idic raises on purpose.

    IdicError
    ├── SettingsError          a setting is missing or cannot be used
    ├── JourneyInvalid         files in journeys/ do not check; carries every problem at once
    ├── InvalidInput           what a caller sent cannot be accepted; carries where and what to try
    ├── NotFound               a customer, journey, enrollment, program or folder that is not there
    ├── CannotCompose          a message cannot be made for this customer; its touch fails
    ├── Conflict               the row moved under us, or an idempotency key was used for something else
    └── StoreUnavailable       the database did not answer; nothing was changed; try again

An error's ``code`` is a stable word for machines and holds no personal data: it is the only part of an error that may
travel into Temporal. The message is for the person at the terminal or behind the API and stays out of histories.
"""

from __future__ import annotations


class IdicError(Exception):
    """The base of all errors that idic raises on purpose."""

    code = "error"


class SettingsError(IdicError):
    """A setting is missing or cannot be used."""

    code = "settings"


class JourneyInvalid(IdicError):
    """The journeys folder has errors. ``problems`` are ``idic.problems.Problem``, sorted by file and place."""

    code = "journey_invalid"

    def __init__(self, problems: tuple[object, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class InvalidInput(IdicError):
    """A caller sent something that cannot be accepted. ``where`` names the field, as in ``batch[3].userId``."""

    code = "invalid_input"

    def __init__(self, message: str, *, where: str | None = None) -> None:
        self.where = where
        super().__init__(f"{where}: {message}" if where else message)


class NotFound(IdicError):
    """A customer, journey, enrollment, program or folder does not exist."""

    code = "not_found"


class CannotCompose(IdicError):
    """A message cannot be made for this customer.

    ``code`` says why: ``value_missing``, ``template_failed``, ``mjml_failed``, ``html_failed``, ``empty``, ``no_content``.
    """

    code = "cannot_compose"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        self.code = code or self.code
        super().__init__(message)


class Conflict(IdicError):
    """The row changed in the meantime, or an idempotency key was already used for something else."""

    code = "conflict"


class StoreUnavailable(IdicError):
    """The database did not answer. Nothing was changed; try again."""

    code = "store_unavailable"
