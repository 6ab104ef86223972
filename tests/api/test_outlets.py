"""The file that says who takes the messages of each channel: what is built from it, and what is said where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.outlets import read_outlets
from notices.channels.drops import FolderDrop, LetterDrop
from notices.channels.mail import Smtp
from notices.channels.parcel import ChannelError, Parcel
from notices.channels.web import SmsGateway, Webhook

SECRET = "correct horse battery staple"
FILE = """
[newspaper]
adapter = "folder"
folder = "press"

[letter]
adapter = "letters"
folder = "letters"

[email]
adapter = "smtp"
host = "mail.example.org"
sender = "outages@example.org"
user = "desk"
password_file = "secret"

[sms]
adapter = "gateway"
url = "https://sms.example.org/v1/batch"
token_file = "secret"

[app]
adapter = "webhook"
url = "https://app.example.org/notices"
secret_file = "secret"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the file names, beside it."""
    for name in ("press", "letters"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    (folder / "channels.toml").write_text(text, encoding="utf-8")
    return folder / "channels.toml"


def test_each_channel_gets_the_adapter_that_it_names(folder: Path) -> None:
    found = read_outlets(written(folder, FILE))
    kinds = {channel: type(adapter) for channel, adapter in found.items()}
    assert kinds == {"newspaper": FolderDrop, "letter": LetterDrop, "email": Smtp, "sms": SmsGateway, "app": Webhook}
    mail, gateway, hook = found["email"], found["sms"], found["app"]
    assert isinstance(mail, Smtp)
    assert (mail.host, mail.port, mail.tls, mail.password) == ("mail.example.org", 587, "starttls", SECRET)
    assert isinstance(gateway, SmsGateway)
    assert isinstance(hook, Webhook)
    assert (gateway.token, hook.secret) == (SECRET, SECRET)
    assert hook.now().tzinfo is not None


def test_folders_are_looked_for_beside_the_file_wherever_one_stands(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    paper = read_outlets(written(folder, '[newspaper]\nadapter = "folder"\nfolder = "press"\n'))["newspaper"]
    (outcome,) = paper.send([Parcel("7.1/a/newspaper", "7.1", "newspaper", "en", "", "Power cut", "Off at 9.")])
    assert [file.name for file in (folder / "press").iterdir()] == [outcome.says]


@pytest.mark.parametrize(("pdf", "suffix", "begins"), [("false", ".docx", b"PK"), ("true", ".pdf", b"%PDF")])
def test_letters_are_printed_as_the_file_asks(folder: Path, pdf: str, suffix: str, begins: bytes) -> None:
    if pdf == "true":
        pytest.importorskip("weasyprint")
    file = written(folder, f'[letter]\nadapter = "letters"\nfolder = "letters"\npdf = {pdf}\n')
    letters = read_outlets(file)["letter"]
    (outcome,) = letters.send([Parcel("7.1/a/letter", "7.1", "letter", "zh", "", "停电通知", "九点停电。")])
    assert (outcome.result, Path(outcome.says).suffix) == ("accepted", suffix)
    assert (folder / "letters" / outcome.says).read_bytes().startswith(begins)


def test_an_empty_file_names_nobody(folder: Path) -> None:
    assert read_outlets(written(folder, "")) == {}


MAIL = 'adapter = "smtp"\nhost = "mail.example.org"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sms", "is no TOML"),
        ('[pigeon]\nadapter = "folder"\nfolder = "press"\n', "pigeon"),
        ('[tv]\nadapter = "pigeon"\n', "[tv]"),
        ('[tv]\nfolder = "press"\n', "[tv]"),
        ('[tv]\nadapter = "folder"\n', "[tv.folder.folder] Field required."),
        ('[tv]\nadapter = "folder"\nfolder = "press"\nport = 25\n', "[tv.folder.port] Extra inputs are not permitted."),
        ('[tv]\nadapter = "folder"\nfolder = "away"\n', "[tv]: The folder"),
        (f'[email]\n{MAIL}sender = "nobody"\n', "[email]: The sender of mails"),
        (f'[email]\n{MAIL}sender = "a@example.org"\npassword_file = "away"\n', "[email]: The secret in away cannot be read"),
        (f'[email]\n{MAIL}sender = "a@example.org"\nport = 99999\n', "port"),
        ('[sms]\nadapter = "gateway"\nurl = "http://sms.example.org"\n', "[sms]: 'http://sms.example.org' has no https"),
        ('[app]\nadapter = "webhook"\nurl = "https://app.example.org"\nsecret_file = "short"\n', "fewer than 16 characters"),
        ('[app]\nadapter = "webhook"\nurl = "https://app.example.org"\nsecret_file = "empty"\n', "is empty"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_channel(folder: Path, text: str, says: str) -> None:
    (folder / "short").write_text("1234", encoding="utf-8")
    (folder / "empty").write_text("\n", encoding="utf-8")
    file = written(folder, text)
    with pytest.raises(ChannelError) as caught:
        read_outlets(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(folder: Path) -> None:
    with pytest.raises(ChannelError) as caught:
        read_outlets(written(folder, f'[tv]\nadapter = "folder"\n[email]\n{MAIL}'))
    assert "[tv.folder.folder]" in str(caught.value)
    assert "[email.smtp.sender]" in str(caught.value)


def test_a_secret_in_the_wrong_place_is_not_repeated(folder: Path) -> None:
    text = f'[sms]\nadapter = "gateway"\nurl = "https://sms.example.org"\ntoken = "{SECRET}"\ntoken_file = ["{SECRET}"]\n'
    with pytest.raises(ChannelError) as caught:
        read_outlets(written(folder, text))
    assert "[sms.gateway.token]" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match=r"nowhere\.toml cannot be read: No such file"):
        read_outlets(tmp_path / "nowhere.toml")


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "channels.toml").write_bytes(b"\xff\xfe[sms]")
    with pytest.raises(ChannelError, match="is no TOML"):
        read_outlets(tmp_path / "channels.toml")
