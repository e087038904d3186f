"""Settings: suture.toml in the project, over the user's config folder, overridden by SUTURE_… in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from agent.economics import PERSON_USD
from tools.errors import BadInput

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
            return env_settings, TomlConfigSettingsSource(settings_cls, toml_file=files)

    try:
        return ForProject()
    except (ValidationError, ValueError) as error:
        raise BadInput(f"suture.toml or SUTURE_…: {_first(error)}") from None


def user_file() -> Path:
    """The user's own suture.toml."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "suture" / "suture.toml"


def _first(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        one = error.errors()[0]
        return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return str(error)
