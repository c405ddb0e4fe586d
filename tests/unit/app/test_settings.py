"""Settings: where they come from, which one wins, and what is said when one is wrong."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import CALL_DEADLINE_S_MAX, FILE, PREFIX, Settings, load, variable
from app.settings_reference import reference
from billing.payments import registry as providers
from gateway.adapters import registry as adapters
from runtime.secrets import new_master_key
from terms.errors import Invalid

ROOT = Path(__file__).resolve().parents[3]
CANARY = "cAnArY-7731"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to start in, and an environment that says nothing."""
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint() -> str:
    """What is said about the settings, which must be wrong."""
    with pytest.raises(Invalid) as caught:
        load()
    return str(caught.value)


def test_nothing_needs_to_be_set(folder):
    """Without file and environment everything has its default, in a folder below this one."""
    settings = load()
    assert settings.data_dir == folder / "boxoffice-data"
    assert settings.database_url == f"sqlite:///{folder}/boxoffice-data/boxoffice.db"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert not settings.allow_time_travel
    assert not settings.data_dir.exists()


def test_the_environment_is_stronger_than_the_file(folder, monkeypatch):
    """A variable beats the file, the file beats the default."""
    (folder / FILE).write_text('http_port = 1\nlog_level = "error"\n')
    monkeypatch.setenv("BOXOFFICE_HTTP_PORT", "2")
    settings = load()
    assert (settings.http_port, settings.log_level, settings.log_format) == (2, "error", "auto")


def test_another_file_may_be_named(folder, monkeypatch):
    """BOXOFFICE_CONFIG names the file to read; the one in this folder is then left alone."""
    (folder / FILE).write_text("http_port = 1\n")
    (folder / "other.toml").write_text("sweep_s = 7\n")
    monkeypatch.setenv("BOXOFFICE_CONFIG", str(folder / "other.toml"))
    settings = load()
    assert (settings.http_port, settings.sweep_s) == (8080, 7)


def test_the_database_lives_in_the_data_folder(folder, monkeypatch):
    """Moving the data folder moves the embedded database; a given address stays."""
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", "elsewhere")
    assert load().database_url == f"sqlite:///{folder}/elsewhere/boxoffice.db"
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", "postgresql://h/x")
    assert load().database_url == "postgresql://h/x"


def test_lists_come_in_both_ways(folder, monkeypatch):
    """A list is an array in the file and words with commas in the environment."""
    (folder / FILE).write_text('adapter_networks = ["10.0.0.0/8", "public"]\n')
    assert load().adapter_networks == ("10.0.0.0/8", "public")
    monkeypatch.setenv("BOXOFFICE_ADAPTER_NETWORKS", "127.0.0.0/8, public")
    assert load().adapter_networks == ("127.0.0.0/8", "public")


def test_secrets_come_from_files(folder, monkeypatch):
    """Each file of the named folder is a setting; only the environment is stronger."""
    secrets = folder / "secrets"
    secrets.mkdir()
    key = new_master_key()
    (secrets / "boxoffice_master_key").write_text(f"{key}\n")
    (secrets / "BOXOFFICE_DATABASE_URL").write_text("postgresql://u:p@h/x\n")
    (secrets / "postgres_password").write_text(CANARY)
    (folder / FILE).write_text('database_url = "postgresql://h/file"\n')
    monkeypatch.setenv("BOXOFFICE_SETTINGS_DIR", str(secrets))
    settings = load()
    assert settings.master_key is not None
    assert settings.master_key.get_secret_value() == key
    assert settings.database_url == "postgresql://u:p@h/x"
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", "postgresql://h/environment")
    assert load().database_url == "postgresql://h/environment"


def test_a_slip_in_the_folder_of_secrets_is_noticed(folder, monkeypatch):
    """A missing folder, a file that is no setting and a wrong value are told, never the value."""
    secrets = folder / "secrets"
    monkeypatch.setenv("BOXOFFICE_SETTINGS_DIR", str(secrets))
    assert complaint() == f"settings: BOXOFFICE_SETTINGS_DIR: there is no folder {secrets}"
    secrets.mkdir()
    (secrets / "boxoffice_masterkey").write_text(CANARY)
    told = complaint()
    assert "boxoffice_masterkey: no such setting; did you mean BOXOFFICE_MASTER_KEY?" in told
    (secrets / "boxoffice_masterkey").rename(secrets / "boxoffice_master_key")
    wrong = complaint()
    assert wrong.endswith(f"random bytes in base64 ({secrets / 'boxoffice_master_key'})")
    assert CANARY not in told + wrong


def test_an_empty_variable_says_nothing(monkeypatch):
    """A variable that is set to nothing counts as not set."""
    monkeypatch.setenv("BOXOFFICE_REDIS_URL", "")
    monkeypatch.setenv("BOXOFFICE_HTTP_PORT", "")
    assert load().http_port == 8080


WRONG = [
    ("HTTP_PORT", "x", "http_port: must be a whole number"),
    ("HTTP_PORT", "70000", "http_port: must be at most 65535"),
    ("ALLOW_TIME_TRAVEL", CANARY, "allow_time_travel: must be true or false"),
    ("LEASE_S", "0", "lease_s: must be more than 0"),
    ("LEASE_S", "nan", "lease_s: must be"),
    ("LEASE_S", "8", "call_deadline_s: must be less than lease_s, which is 8"),
    ("HEARTBEAT_S", "3.4", "heartbeat_s: must be a third of lease_s, which is 10, or less"),
    ("CALL_DEADLINE_S", "9", "call_deadline_s: must be at most 8"),
    ("LOG_LEVEL", "loud", "log_level: must be 'debug', 'info', 'warning' or 'error'"),
    ("LOG_FORMAT", "xml", "log_format: must be"),
    ("ADAPTER_NETWORKS", "lan", "adapter_networks: 'lan' does not appear to be"),
    ("PAYMENT_NETWORKS", "10.0.0.1/8", "payment_networks: 10.0.0.1/8 has host bits set"),
    ("DATABASE_URL", f"mysql://u:{CANARY}@h/x", "database_url: it must begin with sqlite"),
    ("REDIS_URL", f"http://:{CANARY}@h", "redis_url: it must begin with redis://"),
    ("MASTER_KEY", CANARY, "master_key: each key must be 32 random bytes in base64"),
    ("HTTP_PROT", "1", "BOXOFFICE_HTTP_PROT: no such setting; did you mean BOXOFFICE_HTTP_PORT?"),
    ("PAYMENTS", "x", "BOXOFFICE_PAYMENTS: no such setting"),
    ("CONFIG", "/nowhere/x.toml", "BOXOFFICE_CONFIG: there is no file /nowhere/x.toml"),
]


def test_no_call_to_anybody_may_take_longer_than_its_limit():
    """Neither a kind of target nor a kind of provider takes a longer deadline from its options.

    A scan is many calls, and nobody holds a row meanwhile.
    """
    models = [adapters.adapter_class(kind).options_type for kind in adapters.kinds()]
    models += [providers.provider_class(kind).options_type for kind in providers.kinds()]
    found = {
        f"{model.__name__}.{name}": field.get("maximum")
        for model in models
        for name, field in model.model_json_schema()["properties"].items()
        if name.endswith("deadline_s") and name != "scan_deadline_s"
    }
    assert len(found) > 1
    assert max(found.values()) <= CALL_DEADLINE_S_MAX, found


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG)
def test_a_wrong_variable_is_one_clear_sentence(monkeypatch, name, value, sentence):
    """A wrong value is told by its setting, the reason and the variable, never by the value."""
    monkeypatch.setenv(PREFIX + name, value)
    told = complaint()
    assert told.startswith(f"settings: {sentence}")
    assert CANARY not in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("url", "sender", "sentence"),
    [
        ("smtp://u:cAnArY-7731@h:x", "a@b.org", "smtp_url: smtp://USER:PASSWORD@HOST:PORT is"),
        ("smtp+plain://u:cAnArY-7731@h", "a@b.org", "smtp_url: a password is sent over TLS alone"),
        ("smtp://u:cAnArY-7731@h", "a@b", "mail_from: this is no mail address"),
        ("smtp://u:cAnArY-7731@h", "", "mail_from: it is needed with smtp_url"),
    ],
)
def test_a_wrong_mail_server_is_named_without_its_password(monkeypatch, url, sender, sentence):
    """The address of the mail server is a secret, and needs somebody in whose name to write."""
    monkeypatch.setenv("BOXOFFICE_SMTP_URL", url)
    monkeypatch.setenv("BOXOFFICE_MAIL_FROM", sender)
    told = complaint()
    assert told.startswith(f"settings: {sentence}")
    assert CANARY not in told


def test_the_address_of_a_mail_server_is_a_secret(monkeypatch):
    """Settings that are printed show no password of the mail server."""
    monkeypatch.setenv("BOXOFFICE_SMTP_URL", f"smtps://u:{CANARY}@mail.example")
    monkeypatch.setenv("BOXOFFICE_MAIL_FROM", "Box TV <tv@box.example>")
    assert CANARY not in repr(load()) + str(load())


@pytest.mark.parametrize("name", ["NOPE", "PORT_OF_CALL", "KEY", "PAYMENTS"])
def test_only_what_is_like_it_is_proposed(monkeypatch, name):
    """A setting is proposed for a slip of the pen, not for any word with our beginning."""
    monkeypatch.setenv(PREFIX + name, "1")
    assert complaint() == f"settings: {PREFIX}{name}: no such setting"
    monkeypatch.delenv(PREFIX + name)
    monkeypatch.setenv("boxoffice_datadir", "1")
    assert complaint().endswith(
        "boxoffice_datadir: no such setting; did you mean BOXOFFICE_DATA_DIR?"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('http_port = "x"', "http_port: must be a whole number"),
        ("http_prot = 1", "http_prot: no such setting; did you mean http_port? (boxoffice.toml)"),
        ("[payments.north]\nkind = 'x'", "payments: no such setting"),
        ("adapter_networks = [1]", "adapter_networks.0: must be a text"),
        ("http_port =", "boxoffice.toml: Invalid value (at line 1"),
        ("http_port = 1\nhttp_port = 2", "boxoffice.toml: Cannot overwrite a value (at line 2"),
    ],
)
def test_a_wrong_file_is_one_clear_sentence(folder, text, sentence):
    """A wrong line of the file is told by its key, or by its place where it cannot be read."""
    (folder / FILE).write_text(f"{text}\n")
    told = complaint()
    assert told.startswith(f"settings: {sentence}")
    assert "\n" not in told


def test_a_file_that_is_no_text(folder):
    """A file that is not even text is named."""
    (folder / FILE).write_bytes(b"\xff\xfe\x00")
    assert complaint().startswith("settings: boxoffice.toml: ")


def test_all_that_is_wrong_is_told_at_once(folder, monkeypatch):
    """Several mistakes are told together, each with the place it was made in."""
    (folder / FILE).write_text('sweep_s = "soon"')
    monkeypatch.setenv("BOXOFFICE_HTTP_PORT", "x")
    told = complaint()
    assert "(BOXOFFICE_HTTP_PORT); sweep_s: " in told
    assert told.endswith("(boxoffice.toml)")


def test_what_a_cluster_says_is_no_setting(monkeypatch):
    """The variables by which Kubernetes tells of a service named boxoffice are no mistake."""
    monkeypatch.setenv("BOXOFFICE_PORT", "tcp://10.96.0.1:8080")
    monkeypatch.setenv("BOXOFFICE_API_PORT_8080_TCP_ADDR", "10.96.0.1")
    monkeypatch.setenv("BOXOFFICE_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("BOXOFFICE_WEB_SERVICE_PORT_HTTP", "8080")
    assert load().http_port == 8080


def test_settings_do_not_change():
    """Settings are frozen, and nothing can be added when they are made in code."""
    settings = load()
    with pytest.raises(ValidationError):
        settings.http_port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings.model_validate({"http_prot": 1})


def test_printing_settings_shows_no_secret(monkeypatch):
    """Neither the key nor the database's password is in the text of the settings."""
    key = new_master_key()
    monkeypatch.setenv("BOXOFFICE_MASTER_KEY", key)
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", f"postgresql://u:{CANARY}@h/x")
    settings = load()
    assert key not in f"{settings!r} {settings}"
    assert CANARY not in f"{settings!r} {settings}"


def test_the_reference_is_current():
    """The page about the settings says what the model says."""
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    assert page == reference(), "write it again: python -m app.settings_reference"
    assert all(variable(name) in page for name in Settings.model_fields)
