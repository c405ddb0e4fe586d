"""The settings of a process: `boxoffice.toml`, above it files of secrets, above both `BOXOFFICE_*`;
read once, at start.

Nothing else reads the environment. What an operator sells and which targets and payment providers
there are lives in the database and comes by `boxoffice import`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from messages.letters.paper import Sender
from messages.letters.server import MailServer
from runtime.networks import LOOPBACK, PRIVATE, PUBLIC, Networks
from runtime.secrets import parse_keys
from runtime.wording import in_words
from terms.errors import Invalid
from terms.http import bare_address

PREFIX = "BOXOFFICE_"
FILE = "boxoffice.toml"
FILE_VARIABLE = "BOXOFFICE_CONFIG"
FOLDER_VARIABLE = "BOXOFFICE_SETTINGS_DIR"

# Read elsewhere, by tests and by the crash points they set.
_OTHER_VARIABLES = re.compile(
    r"BOXOFFICE_(?:CONFIG|SETTINGS_DIR|CRASH_\w+|TEST_\w+|STRICT_SERVICES)"
)
# Kubernetes tells every container where services are; one of them may be named boxoffice.
_SERVICE_NAMES = re.compile(r"BOXOFFICE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)")
_SERVICE_VALUES = ("tcp://", "udp://", "sctp://")

# A process that is told to stop has ten seconds, and lets the calls under way come to their end.
CALL_DEADLINE_S_MAX = 8
BEATS_PER_LEASE = 3

# How much of two names must be the same for one to be taken for the other.
_ALIKE = 0.7

Hours = Annotated[float, Field(gt=0, le=8_760)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


def _listed(value: Any) -> Any:
    """Take a list from one text, as the environment has it: separated by commas."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _checked_ranges(ranges: tuple[str, ...]) -> tuple[str, ...]:
    _checked(lambda: Networks(ranges))
    return ranges


def _checked_keys(text: SecretStr) -> SecretStr:
    _checked(lambda: parse_keys(text.get_secret_value()))
    return text


def _checked_database(url: str) -> str:
    if not re.match(r"(?:sqlite|postgresql|postgres)(?:\+\w+)?://", url):
        raise ValueError("it must begin with sqlite:/// or postgresql://")
    return url


def _checked_redis(url: SecretStr | None) -> SecretStr | None:
    if url is not None and not re.match(r"(?:rediss?|unix)://", url.get_secret_value()):
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    return url


def _checked_smtp(url: SecretStr | None) -> SecretStr | None:
    if url is not None:
        _checked(lambda: MailServer.parse("smtp_url", url.get_secret_value()))
    return url


def _checked_sender(text: str | None) -> str | None:
    if text is not None:
        _checked(lambda: Sender.parse("mail_from", text))
    return text


def _checked(parse: Callable[[], object]) -> None:
    try:
        parse()
    except Invalid as error:
        raise ValueError(error.reason) from None


Ranges = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_checked_ranges)
]


class Settings(BaseSettings):
    """All settings, checked and frozen. Printing them shows no secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    data_dir: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(
        Path("boxoffice-data"),
        description="Folder of the embedded database, the master key and the first API token.",
    )
    database_url: Annotated[str, AfterValidator(_checked_database)] = Field(
        default_factory=lambda found: f"sqlite:///{found['data_dir'] / 'boxoffice.db'}",
        repr=False,
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.",
    )
    redis_url: Annotated[SecretStr | None, AfterValidator(_checked_redis)] = Field(
        None,
        description="Address of the Redis that rings between processes: `redis://HOST:6379/0`. It "
        "holds nothing that could be lost; without it processes find each other's work within "
        "`sweep_s`.",
    )
    master_key: Annotated[SecretStr, AfterValidator(_checked_keys)] | None = Field(
        None,
        description="32 random bytes in base64 that seal secrets in the database; several are "
        "separated by commas, the first one seals. Without it the file `master.key` of the data "
        "folder is used, made at the first start.",
    )
    http_host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    http_port: int = Field(8080, ge=0, le=65_535, description="Port; 0 takes a free one.")
    acs_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address on which boxes may call, a listener of its own with nothing else on "
        "it. It is opened where a target is configured whose boxes call.",
    )
    acs_port: int = Field(
        7547, ge=0, le=65_535, description="Port on which boxes may call; 0 takes a free one."
    )
    health_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address of the listener that `health_port` opens.",
    )
    health_port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port on which a process, whatever its role, serves `/healthz`, `/readyz` and "
        "`/metrics` and nothing else; 0 takes a free one. Without it they are at `http_port` only.",
    )
    sign_in_idle_h: Hours = Field(
        12, description="How long a sign-in lasts that nobody uses, in hours."
    )
    sign_in_longest_h: Hours = Field(
        168, description="How long a sign-in lasts at most, used or not, in hours."
    )
    portal_sign_in_idle_h: Hours = Field(
        336,
        description="How long a sign-in at `/portal/` lasts that nobody uses, in hours.",
    )
    portal_sign_in_longest_h: Hours = Field(
        2_160, description="How long a sign-in at `/portal/` lasts at most, in hours."
    )
    insecure_cookies: bool = Field(
        default=False,
        description="Whether people may sign in without TLS from other machines. Then whoever can "
        "listen on the network can take a sign-in over; only for a closed one.",
    )
    proxy_networks: Ranges = Field(
        LOOPBACK,
        description="Where reverse proxies are that may say in `X-Forwarded-For` and "
        "`X-Forwarded-Proto` whom they speak for.",
    )
    api_calls_per_s: float = Field(
        500,
        gt=0,
        le=1_000_000,
        description="How many calls a second each API token may make, of all web processes "
        "together; those of two seconds may come at once.",
    )
    cash_max: int = Field(
        10**9, ge=0, le=10**13, description="Minor units by which cash or a top-up may exceed debt."
    )
    allow_time_travel: bool = Field(
        default=False,
        description="Whether `boxoffice clock advance` may move business time. Never where real "
        "money is.",
    )
    lease_s: Seconds = Field(
        10, description="How long a worker may be silent before another takes its work over."
    )
    heartbeat_s: Seconds = Field(
        3, description="How often a worker renews its leases: three times within `lease_s`."
    )
    call_deadline_s: float = Field(
        8,
        gt=0,
        le=CALL_DEADLINE_S_MAX,
        description="The longest a single call to a target may take; less than `lease_s`.",
    )
    in_flight_max: int = Field(
        512,
        ge=1,
        le=512,
        description="How many rows of one target this process works on at once, of those that the "
        "target stands from all processes together.",
    )
    sweep_s: Seconds = Field(
        2, description="How often work is looked for although nobody rang the bell."
    )
    drift_every_s: Seconds = Field(
        900, description="How often each target is compared with what it should hold."
    )
    usage_every_s: Seconds = Field(
        300, description="How often targets that count usage are asked for it."
    )
    provider_poll_every_s: Annotated[float, Field(gt=0, le=900)] = Field(
        300, description="How often payment providers are asked for events whose message was lost."
    )
    adapter_networks: Ranges = Field(
        (*LOOPBACK, *PRIVATE),
        description="Where targets and boxes may live: CIDR ranges, and `public` for the internet.",
    )
    payment_networks: Ranges = Field(
        (*LOOPBACK, PUBLIC),
        description="Where payment providers may live: CIDR ranges, and `public`.",
    )
    messages_kept_days: Annotated[int, Field(ge=30, le=3_650)] = Field(
        400, description="For how many days it is kept which message went out to whom."
    )
    public_url: Annotated[str, AfterValidator(bare_address)] | None = Field(
        None, description="Where subscribers reach `/portal/`: for links in letters."
    )
    message_networks: Ranges = Field(
        (*LOOPBACK, PUBLIC),
        description="Where the gateway for short messages may live: CIDR ranges, and `public`.",
    )
    smtp_url: Annotated[SecretStr | None, AfterValidator(_checked_smtp)] = Field(
        None,
        description="The mail server that letters are handed to: `smtp://USER:PASSWORD@HOST:587` "
        "hides the talk by STARTTLS, `smtps://...` from its first byte, and `smtp+plain://HOST:25` "
        "not at all, for a server on the same machine, without a login. Without it no mail goes "
        "out.",
    )
    mail_from: Annotated[str | None, AfterValidator(_checked_sender)] = Field(
        None,
        description="Whose name stands on letters: `ADDRESS` or `NAME <ADDRESS>`. Needed with "
        "`smtp_url`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="The least important lines to log. With `info`, commands that serve nothing "
        "log from `warning` on.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` is `console` on a terminal and `json` elsewhere."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Settings:
        lease_s = f"lease_s, which is {self.lease_s:g}"
        if self.call_deadline_s >= self.lease_s:
            raise ValueError(f"call_deadline_s: must be less than {lease_s}")
        if self.heartbeat_s * BEATS_PER_LEASE > self.lease_s:
            raise ValueError(f"heartbeat_s: must be a third of {lease_s}, or less")
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("mail_from: it is needed with smtp_url")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say where values come from, the strongest first."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=_file(os.environ))
        secrets = SecretsSettingsSource(settings_cls, _secrets(os.environ))
        return init_settings, env_settings, secrets, file


def load() -> Settings:
    """Read the settings of this process. Raises Invalid whose text is one clear sentence."""
    wrong_names = [*_strangers(os.environ), *_strange_secrets(_secrets(os.environ))]
    if wrong_names:
        raise Invalid("settings", "; ".join(wrong_names))
    path = _file(os.environ)
    if path is not None and not path.is_file():
        raise Invalid("settings", f"{FILE_VARIABLE}: there is no file {path}")
    try:
        return Settings()
    except ValidationError as error:
        told = [_told(wrong, path) for wrong in error.errors(include_url=False)]
        raise Invalid("settings", "; ".join(told)) from None
    except (ValueError, OSError) as error:  # not even TOML; the library says in which line
        raise Invalid("settings", f"{path}: {error}") from None


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _file(environment: Mapping[str, str]) -> Path | None:
    """Find the file to read: the one that is named, else the one in this folder, if any."""
    named = environment.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return Path(FILE) if Path(FILE).is_file() else None


def _secrets(environment: Mapping[str, str]) -> Path | None:
    """Find the folder whose files hold one setting each, if one is named."""
    return Path(named) if (named := environment.get(FOLDER_VARIABLE)) else None


def _strange_secrets(folder: Path | None) -> list[str]:
    """Say what is wrong with the folder of secrets; others may lie there, too."""
    if folder is None:
        return []
    if not folder.is_dir():
        return [f"{FOLDER_VARIABLE}: there is no folder {folder}"]
    ours = sorted(map(variable, Settings.model_fields))
    wrong = []
    for path in sorted(folder.iterdir()):
        name = path.name.upper()
        if name.startswith(PREFIX) and name not in ours:
            wrong.append(f"{path}: no such setting{_meant(name, ours)}")
        elif name in ours and not os.access(path, os.R_OK):
            wrong.append(f"{path}: it cannot be read by the user of this process")
    return wrong


def _strangers(environment: Mapping[str, str]) -> list[str]:
    """Name the variables that look like ours and are not: a slip would go unnoticed else."""
    ours = {variable(name): name for name in Settings.model_fields}
    return [
        f"{name}: no such setting{_meant(name, list(ours))}"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX)
        and name.upper() not in ours
        and not _OTHER_VARIABLES.fullmatch(name)
        and not _SERVICE_NAMES.fullmatch(name)
        and not environment[name].startswith(_SERVICE_VALUES)
    ]


def _told(wrong: ErrorDetails, path: Path | None) -> str:
    """Say in our words what is wrong with one setting and where it was said; never its value."""
    name = ".".join(str(part) for part in wrong["loc"])
    if wrong["type"] == "extra_forbidden":
        return f"{name}: no such setting{_meant(name, list(Settings.model_fields))} ({path})"
    reason = in_words(wrong)
    if not name:
        return reason  # of several settings together; the reason names them
    field = str(wrong["loc"][0])
    said_in = variable(field) if os.environ.get(variable(field)) else _said_in(field) or path
    return f"{name}: {reason[:1].lower()}{reason[1:]}" + (f" ({said_in})" if said_in else "")


def _said_in(field: str) -> Path | None:
    """Find the file of secrets that says a setting, if one does."""
    found = folder.iterdir() if (folder := _secrets(os.environ)) else ()
    return next((path for path in found if path.name.upper() == variable(field)), None)


def _meant(name: str, names: Sequence[str]) -> str:
    """Name the setting that is most like it, if one really is; what all begin with counts not."""
    by_word = {one.removeprefix(PREFIX): one for one in names}
    word = name.upper().removeprefix(PREFIX) if name.upper().startswith(PREFIX) else name
    close = difflib.get_close_matches(word, by_word, n=1, cutoff=_ALIKE)
    return f"; did you mean {by_word[close[0]]}?" if close else ""
