"""Settings: suture.toml in the project, over the user's config folder, overridden by SUTURE_… in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from agent.budget import Caps
from agent.economics import PERSON_USD
from agent.project import Project
from tools.editors.local.models import DOWNLOAD
from tools.editors.local.models import variable as weights_variable
from tools.editors.prices import user_folder
from tools.errors import BadInput

POLL_SECONDS = "SUTURE_POLL_SECONDS"
DEADLINE_SECONDS = "SUTURE_DEADLINE_SECONDS"
OPENAI = "https://api.openai.com/v1"


class Settings(BaseSettings):
    """What a machine and its owner decide, as opposed to a film."""

    model_config = SettingsConfigDict(env_prefix="SUTURE_", extra="ignore", frozen=True, protected_namespaces=())

    heavy_jobs: int = Field(default=2, ge=1)
    """How many stages may compute on pixels at the same time."""
    usd_per_hour: float = Field(default=3.0, ge=0)
    """What an hour of waiting for an editor is worth."""
    person_usd: float = Field(default=PERSON_USD, ge=0)
    """What a person costs who takes over a shot that no try could save."""
    region: str | None = None
    """Country or area of the user, such as CH, UK, DE or EEA; some models may not be used from everywhere."""
    model: str | None = None
    """The vision-language model that looks and reads; without one the inspector is pixels."""
    openai_base_url: str = Field(default=OPENAI, validation_alias=AliasChoices("openai_base_url"))
    """Any OpenAI-compatible server."""
    openai_api_key: SecretStr = Field(default=SecretStr(""), validation_alias=AliasChoices("openai_api_key"))
    model_usd_in: float | None = Field(default=None, ge=0)
    """US dollars per million tokens that the model reads; unknown: only a server on this machine is free."""
    model_usd_out: float | None = Field(default=None, ge=0)
    """US dollars per million tokens that the model writes."""
    model_jobs: int = Field(default=4, ge=1)
    """How many questions may be under way at the same time."""
    model_seconds: float = Field(default=180, gt=0)
    """How long one answer may take."""
    model_retry_seconds: float = Field(default=2, ge=0)
    """The wait before a question is asked a second time, where the server names none."""
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Providers' keys and addresses by the name of their environment variable, which goes before it."""
    weights: dict[str, str] = Field(default_factory=dict)
    """Folders or hub ids of the weights of local editors by the editor's name, instead of the roster's."""
    download: bool = False
    """Whether weights that are not on this machine may be downloaded from the hub."""
    poll_seconds: float | None = Field(default=None, ge=0)
    """The wait between two questions how a provider's job stands; else the roster says it."""
    deadline_seconds: float | None = Field(default=None, gt=0)
    """How long a pass waits for a provider's job; else the roster says it."""
    budget_action: Decimal | None = Field(default=None, ge=0)
    """Most US dollars that one edit may cost."""
    budget_shot: Decimal | None = Field(default=None, ge=0)
    """Most that a run may spend on one shot."""
    budget_run: Decimal | None = Field(default=None, ge=0)
    """Most that a run may spend on anything."""
    budget_day: Decimal | None = Field(default=None, ge=0)
    """Most that a film's runs may spend in a day (UTC)."""


def load_settings(root: Path) -> Settings:
    """The settings that hold for a project; BadInput names the field that is wrong."""

    class ForProject(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            files = [user_file(), root / "suture.toml"]
            return env_settings, TomlConfigSettingsSource(settings_cls, toml_file=files, deep_merge=True)

    try:
        return ForProject()
    except (ValidationError, ValueError) as error:
        raise BadInput(f"suture.toml or SUTURE_…: {_first(error)}") from None


def editors_environment(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What editors work in: keys, addresses, weights and pace of suture.toml, under the environment.

    It holds secrets in the clear: hand it to editors, and keep, print and log nothing of it.
    """
    told = {name: secret.get_secret_value() for name, secret in settings.keys.items()}
    paces = {POLL_SECONDS: settings.poll_seconds, DEADLINE_SECONDS: settings.deadline_seconds}
    told |= {name: str(value) for name, value in paces.items() if value is not None}
    told |= {weights_variable(name): place for name, place in settings.weights.items()}
    told |= {DOWNLOAD: "1"} if settings.download else {}
    return {**told, **(os.environ if environment is None else environment)}


def caps_of(project: Project, settings: Settings) -> Caps:
    """The limits that the film and its owner set."""
    return project.toml.budget.within(owners_caps(settings))


def owners_caps(settings: Settings) -> Caps:
    """The limits that a person sets for all films."""
    return Caps(
        action=settings.budget_action,
        shot=settings.budget_shot,
        run=settings.budget_run,
        day=settings.budget_day,
    )


def user_file() -> Path:
    """The user's own suture.toml."""
    return user_folder() / "suture.toml"


def _first(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        one = error.errors()[0]
        return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return str(error)
