"""Adapters against real servers on loopback: what each answer, silence and death of the other side comes to."""

from __future__ import annotations

import email
import email.policy
import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices.channels.drops import FolderDrop, LetterDrop
from notices.channels.mail import Smtp, written
from notices.channels.parcel import LONGEST_SAYS, ChannelError, Outcome, Parcel, shown
from notices.channels.web import Line, SmsGateway, Webhook, is_signed
from notices.contacts import email_of
from notices.facts import NoticeError
from outages.facts import FactProblem
from tests.notices.gateways import SLOW_S, Certificate, http_gateway, mail_server, make_certificate

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
SECRET = "a secret of 16 or more"


def parcel(recipient: str = "anna", channel: str = "sms", **changes: object) -> Parcel:
    values = {
        "notice_id": "7.1",
        "language": "en",
        "address": f"{recipient}@example.org",
        "title": "Power cut",
        "text": "Off at 9.",
    }
    return Parcel(**{"key": f"7.1/{recipient}/{channel}", "channel": channel, **values, **changes})


def several(count: int, channel: str = "sms") -> list[Parcel]:
    return [parcel(f"r{number}", channel) for number in range(count)]


def results(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.result for outcome in outcomes]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


# --- words ---


def test_what_a_gateway_said_is_kept_short_on_one_line_and_without_secrets() -> None:
    says = shown("no: Bearer s3cret\r\n\0 is wrong \ud800 " + "x" * 9000, "s3cret", "")
    assert says.startswith("no: Bearer ••• is wrong x")
    assert len(says) == LONGEST_SAYS
    assert says.encode()


def test_a_mark_differs_wherever_a_key_does_and_does_not_show_it() -> None:
    marks = {parcel(name, channel).mark for name in ("anna", "anna ", "安娜") for channel in ("sms", "email")}
    assert len(marks) == 6
    assert all(set(mark) <= set("0123456789abcdef") and len(mark) == 32 for mark in marks)


# --- folder ---


def test_a_parcel_is_one_whole_file_that_a_repeat_finds(tmp_path: Path) -> None:
    drop = FolderDrop(tmp_path)
    paper = parcel("gazette:zh", "newspaper", title="停电通知", text="九点停电。", language="zh")
    (first,) = drop.send([paper])
    (again,) = FolderDrop(tmp_path).send([paper])
    (file,) = tmp_path.iterdir()
    assert file.name == f"7.1-newspaper-zh-{paper.mark[:12]}.txt"
    assert file.read_text(encoding="utf-8") == "停电通知\n\n九点停电。\n"
    assert results([first, again]) == ["accepted", "accepted"]
    assert (first.says, again.says) == (file.name, f"{file.name} was there already")


def test_another_text_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    drop = FolderDrop(tmp_path)
    drop.send([parcel()])
    (outcome,) = drop.send([parcel(text="Off at 10.")])
    (file,) = tmp_path.iterdir()
    assert outcome.result == "refused"
    assert "was left as it is" in outcome.says
    assert file.read_text() == "Power cut\n\nOff at 9.\n"


@pytest.mark.parametrize("notice_id", ["../../etc/7.1", "/7", "7.1\0", "..", "七", "a\nb"])
def test_no_id_leads_out_of_the_folder(notice_id: str, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    assert results(FolderDrop(folder).send([parcel(notice_id=notice_id)])) == ["accepted"]
    (file,) = folder.iterdir()
    assert not file.name.startswith(".")
    assert [*tmp_path.iterdir()] == [folder]


def test_a_radio_script_says_its_slot_in_its_name_and_has_no_empty_title(tmp_path: Path) -> None:
    FolderDrop(tmp_path).send([parcel(channel="radio", slot_s=30, title="")])
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("7.1-radio-en-30s-")
    assert file.read_text() == "Off at 9.\n"


def test_a_folder_that_is_gone_is_tried_later_and_said_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    with pytest.raises(ChannelError, match="is not there"):
        FolderDrop(folder)
    folder.mkdir()
    drop = FolderDrop(folder)
    folder.rmdir()
    (outcome,) = drop.send([parcel()])
    assert outcome.result == "later"
    assert "cannot be written: No such file or directory" in outcome.says


# --- letters ---


def _pages(pages: Sequence[tuple[str, str]], language: str) -> bytes:
    if any("too long" in body for _, body in pages):
        raise NoticeError(FactProblem("body", "too_long", "It does not fit on its page. Say it shorter."))
    return os.urandom(4) + "\f".join(f"{title}|{body}" for title, body in pages).encode()  # like a DOCX: never the same twice


def test_letters_of_one_notice_and_language_are_one_document_with_a_list(tmp_path: Path) -> None:
    letters = several(3, "letter")
    outcomes = LetterDrop(tmp_path, _pages).send([letters[0], parcel("zhang", "letter", language="zh"), *letters[1:]])
    names = sorted(path.name.rpartition("-")[0] for path in tmp_path.glob("*.docx"))
    assert names == ["7.1-letter-en", "7.1-letter-zh"]
    assert results(outcomes) == ["accepted"] * 4
    (listed,) = tmp_path.glob("7.1-letter-en-*.json")
    assert json.loads(listed.read_text())["letters"] == [letter.mark for letter in letters]
    assert (tmp_path / json.loads(listed.read_text())["document"]).read_bytes().count(b"\f") == 2


def test_a_letter_is_printed_once_however_its_batch_changes(tmp_path: Path) -> None:
    letters = several(5, "letter")
    LetterDrop(tmp_path, _pages).send(letters[:3])
    outcomes = LetterDrop(tmp_path, _pages).send(letters[1:])
    printed = [mark for path in tmp_path.glob("*.json") for mark in json.loads(path.read_text())["letters"]]
    assert results(outcomes) == ["accepted"] * 4
    assert sorted(printed) == sorted(letter.mark for letter in letters)


def test_a_list_without_its_document_counts_for_nothing(tmp_path: Path) -> None:
    letters = several(2, "letter")
    LetterDrop(tmp_path, _pages).send(letters)
    (document,) = tmp_path.glob("*.docx")
    document.unlink()  # as if we had died between the two
    LetterDrop(tmp_path, _pages).send(letters)
    assert document.exists()


def test_a_letter_that_cannot_be_printed_is_dead_and_holds_up_none_of_the_others(tmp_path: Path) -> None:
    letters = [*several(2, "letter"), parcel("zoe", "letter", text="much too long")]
    outcomes = LetterDrop(tmp_path, _pages).send(letters)
    assert results(outcomes) == ["accepted", "accepted", "dead"]
    assert "does not fit on its page" in outcomes[2].says
    (listed,) = tmp_path.glob("*.json")
    assert json.loads(listed.read_text())["letters"] == [letter.mark for letter in letters[:2]]


# --- mail ---


def test_a_mail_arrives_with_its_key_and_the_words_as_they_are() -> None:
    with mail_server() as (server, port):
        mail = parcel(channel="email", title="停电通知", text="尊敬的用户：\n.\n九点停电。\n" + "长" * 2000, language="zh")
        (outcome,) = Smtp("127.0.0.1", port, "notices@utility.example", tls="none").send([mail])
    assert outcome == Outcome("accepted", "250 2.0.0 Queued as 1")
    read = email.message_from_bytes(server.mails[0], policy=email.policy.default)
    assert (read["Subject"], read["To"], read["From"]) == ("停电通知", "anna@example.org", "notices@utility.example")
    assert (read["Message-ID"], read["X-Gridnotice-Key"]) == (f"<{mail.mark}@utility.example>", mail.mark)
    assert read.get_content().replace("\r\n", "\n").rstrip("\n") == mail.text
    assert server.envelopes == [("notices@utility.example", ["anna@example.org"])]


def test_each_recipient_has_an_outcome_of_its_own() -> None:
    addresses = ["a@example.org", "nobody@example.org", "busy@example.org", "no address", "b@example.org"]
    with mail_server() as (server, port):
        mails = [parcel(address, "email", address=address) for address in addresses]
        outcomes = Smtp("127.0.0.1", port, "n@utility.example", tls="none").send(mails)
    assert results(outcomes) == ["accepted", "refused", "later", "refused", "accepted"]
    assert outcomes[1].says == "550 5.1.1 No such user"
    assert outcomes[3].says == '"no…ss" is no e-mail address. Give one address, such as name@example.org.'
    assert [recipients for _, recipients in server.envelopes] == [["a@example.org"], ["b@example.org"]]


@pytest.mark.parametrize(
    ("mood", "expected", "mails"),
    [
        ("dies", ["accepted", "unknown", "later", "later"], 2),  # the second has arrived, and nobody here knows
        ("leaves", ["accepted", "later", "later", "later"], 1),
        ("full", ["accepted", "later", "accepted", "accepted"], 3),
        ("spam", ["accepted", "refused", "accepted", "accepted"], 3),
    ],
)
def test_a_mail_server_that_fails_half_way(mood: str, expected: list[str], mails: int) -> None:
    with mail_server({2: mood}) as (server, port):
        smtp = Smtp("127.0.0.1", port, "n@utility.example", tls="none")
        outcomes = smtp.send(several(4, "email"))
        assert results(outcomes) == expected
        assert len(server.mails) == mails
        missed = [each for each, one in zip(several(4, "email"), outcomes, strict=True) if one.result in ("later", "unknown")]
        again = smtp.send(missed)
    assert set(results(again)) <= {"accepted"}
    ids = [email.message_from_bytes(mail)["Message-ID"] for mail in server.mails]
    assert len(ids) - len(set(ids)) == (1 if mood == "dies" else 0), "only the unknown one comes twice, under its first id"


def test_mail_to_a_server_that_is_away_goes_out_later() -> None:
    with mail_server() as (_, port):
        pass
    assert set(results(Smtp("127.0.0.1", port, "n@utility.example", tls="none").send(several(3)))) == {"later"}


def test_a_batch_that_takes_too_long_is_cut_short() -> None:
    ticks = iter(range(0, 1000, 40))
    with mail_server() as (server, port):
        smtp = Smtp("127.0.0.1", port, "n@utility.example", tls="none", timer=lambda: float(next(ticks)), longest_s=90)
        assert results(smtp.send(several(4, "email"))) == ["accepted", "accepted", "later", "later"]
    assert len(server.mails) == 2


@pytest.mark.parametrize("trusted", [True, False])
def test_mail_goes_only_to_a_server_whose_certificate_is_trusted(trusted: bool, certificate: Certificate) -> None:
    with mail_server(tls_context=certificate.server, require_starttls=True) as (server, port):
        trust = certificate.trust if trusted else None
        (outcome,) = Smtp("127.0.0.1", port, "n@utility.example", trust=trust).send([parcel()])
    assert (outcome.result, len(server.mails)) == (("accepted", 1) if trusted else ("later", 0))
    assert trusted or "certificate verify failed" in outcome.says


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for() -> None:
    with mail_server() as (server, port):
        (outcome,) = Smtp("127.0.0.1", port, "n@utility.example").send([parcel()])
    assert (outcome.result, server.mails) == ("later", [])
    assert "STARTTLS" in outcome.says


def test_a_password_is_neither_sent_in_the_open_nor_shown() -> None:
    with pytest.raises(ChannelError, match="in the open"):
        Smtp("mail.utility.example", 25, "n@utility.example", tls="none", password="hunter22")
    assert "hunter22" not in repr(Smtp("mail.utility.example", 587, "n@utility.example", password="hunter22"))
    with pytest.raises(ChannelError, match="no e-mail address"):
        Smtp("mail.utility.example", 587, "The Utility")


@settings(max_examples=60, deadline=None)
@given(
    address=st.text(st.sampled_from('a@b.c \r\n,;<>"\t\0é\u2028:'), max_size=20),
    title=st.text(st.one_of(st.sampled_from("\r\n:=? \u2028\u0085\x0b"), st.characters(exclude_categories=["Cs"])), max_size=120),
)
def test_no_address_and_no_title_adds_a_header_or_a_recipient(address: str, title: str) -> None:
    to = email_of(address)
    mail = written(
        parcel(title=f"Off\r\nBcc: all@example.org\n\n{title}"), to if isinstance(to, str) else "a@b.cd", "n@utility.example"
    )
    made = email.message_from_bytes(mail.as_bytes(policy=email.policy.SMTP), policy=email.policy.default)
    ours = ["From", "To", "Subject", "Message-ID", "X-Gridnotice-Key", "Auto-Submitted", "Content-Language"]
    assert sorted(made.keys()) == sorted([*ours, "Content-Type", "Content-Transfer-Encoding", "MIME-Version"])
    assert len(made["To"].addresses) == 1
    assert made.get_content().strip() == "Off at 9."


# --- SMS ---


def gateway(url: str, **options: object) -> SmsGateway:
    return SmsGateway(Line(url, timeout_s=2, **options), token="12345-token")


@pytest.mark.parametrize(
    ("mood", "expected", "arrived"),
    [
        ("ok", "accepted accepted accepted accepted", 4),
        ("slow", "accepted accepted accepted accepted", 4),
        ("both", "accepted accepted accepted accepted", 4),
        ("twice", "accepted accepted accepted accepted", 4),
        ("half", "unknown unknown unknown unknown", 2),
        ("half_said", "accepted accepted unknown unknown", 4),
        ("dies", "unknown unknown unknown unknown", 4),
        ("cut", "unknown unknown unknown unknown", 4),
        ("torn", "unknown unknown unknown unknown", 4),
        ("garbage", "unknown unknown unknown unknown", 4),
        ("huge", "unknown unknown unknown unknown", 4),
        ("500", "later later later later", 0),
        ("401", "later later later later", 0),
        ("moved", "later later later later", 0),
    ],
)
def test_what_a_gateway_does_comes_to_an_outcome_for_each(mood: str, expected: str, arrived: int) -> None:
    with http_gateway(mood) as server:
        sms = gateway(server.url)
        outcomes = sms.send(several(4))
        assert results(outcomes) == expected.split()
        assert len(server.received.delivered) == arrived
        assert results(sms.send(several(4))) == ["accepted"] * 4, "the next batch is not confused by what was before"
        assert len(server.received.delivered) == 4
        assert not server.received.doubled
    assert not any("12345-token" in outcome.says for outcome in outcomes)


def test_a_gateway_that_answers_too_late_or_never_ends_leaves_it_unknown() -> None:
    with http_gateway("slow", "drip") as server:
        began = time.monotonic()
        late = SmsGateway(Line(server.url, timeout_s=SLOW_S / 4)).send(several(2))
        endless = SmsGateway(Line(server.url, timeout_s=2, longest_s=0.3)).send(several(2))
        assert time.monotonic() - began < 2
    assert results(late + endless) == ["unknown"] * 4
    assert "ReadTimeout" in late[0].says
    assert "did not end in 0.3 s" in endless[0].says


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, "accepted"), (202, "accepted"), (404, "refused"), (400, "refused"), (429, "later"), (408, "later"), (503, "later"),
     (302, "later"), (99, "unknown"), (700, "unknown"), ("202", "unknown"), (None, "unknown"), ([], "unknown")],
)  # fmt: skip
def test_one_message_has_the_outcome_of_its_own_status(status: object, expected: str) -> None:
    answer = json.dumps({"messages": [{"key": parcel().mark, "status": status}, {"key": "of another"}, 7]}).encode()
    (outcome,) = gateway("https://gateway.example")._read(200, answer, [parcel()])
    assert outcome.result == expected


def test_one_number_that_is_refused_holds_up_no_other() -> None:
    with http_gateway(statuses={"r1@example.org": 404, "r2@example.org": 429}) as server:
        outcomes = gateway(server.url).send(several(4))
    assert results(outcomes) == ["accepted", "refused", "later", "accepted"]
    assert outcomes[1].says == f"404 noted {several(4)[1].mark[:4]}"


def test_a_batch_has_a_key_that_is_the_same_for_the_same_messages() -> None:
    with http_gateway() as server:
        for batch in (several(3), several(3), several(2)):
            gateway(server.url).send(batch)
        heads = [{name.lower(): value for name, value in headers.items()} for headers, _ in server.received.posts]
    keys = [head["idempotency-key"] for head in heads]
    assert keys[0] == keys[1] != keys[2]
    assert {head["authorization"] for head in heads} == {"Bearer 12345-token"}
    sent = json.loads(server.received.posts[0][1])["messages"][0]
    assert sent == {"key": several(1)[0].mark, "to": "r0@example.org", "text": "Off at 9."}


def test_a_gateway_that_is_away_is_tried_later() -> None:
    with http_gateway() as server:
        url = server.url
    assert results(gateway(url).send(several(2))) == ["later", "later"]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_text_goes_only_to_a_gateway_whose_certificate_is_trusted(trusted: bool, certificate: Certificate) -> None:
    with http_gateway(tls=certificate.server) as server:
        line = Line(server.url.replace("http:", "https:"), trust=certificate.trust if trusted else None)
        (outcome,) = SmsGateway(line).send([parcel()])
    assert (outcome.result, len(server.received.posts)) == (("accepted", 1) if trusted else ("later", 0))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://gateway.example/sms", "no https"),
        ("http://127.0.0.1.gateway.example/", "no https"),
        ("ftp://gateway.example", "no https"),
        ("https://", "no https"),
        ("gateway.example", "no https"),
        ("https://me:secret@gateway.example", "holds a password"),
        ("https://[::1", "no address of the web"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str, says: str) -> None:
    with pytest.raises(ChannelError, match=says) as caught:
        Line(url)
    assert "secret" not in str(caught.value)


def test_nothing_secret_is_in_what_is_shown_of_an_adapter() -> None:
    line = Line("https://gateway.example")
    assert "12345" not in repr(gateway(line.url))
    assert SECRET not in repr(Webhook(line, SECRET, lambda: NOW))


# --- webhook ---


def test_a_post_can_be_checked_and_is_not_accepted_when_anything_was_changed() -> None:
    with http_gateway() as server:
        (outcome,) = Webhook(Line(server.url), SECRET, lambda: NOW).send([parcel(channel="app")])
        ((heads, body),) = server.received.posts
    within = timedelta(minutes=5)
    assert outcome.result == "accepted"
    assert is_signed(SECRET, heads, body, now=NOW + within, within=within)
    assert not is_signed(SECRET, heads, body, now=NOW + within + timedelta(seconds=1), within=within)
    assert not is_signed("another secret of us", heads, body, now=NOW, within=within)
    assert not is_signed(SECRET, heads, body + b" ", now=NOW, within=within)
    assert not is_signed(SECRET, {**heads, "Gridnotice-Timestamp": "1"}, body, now=NOW, within=within)
    assert not is_signed(SECRET, {}, body, now=NOW, within=within)
    assert json.loads(body)["key"] == heads["Idempotency-Key"] == parcel(channel="app").mark


@pytest.mark.parametrize(
    ("moods", "expected"),
    [
        (["422"], ["refused", "accepted", "accepted"]),
        (["401", "503"], ["later", "later", "accepted"]),
        (["ok", "dies"], ["accepted", "unknown", "later"]),
        (["cut"], ["unknown", "later", "later"]),
    ],
)
def test_each_post_has_an_outcome_of_its_own(moods: list[str], expected: list[str]) -> None:
    with http_gateway(*moods) as server:
        assert results(Webhook(Line(server.url), SECRET, lambda: NOW).send(several(3, "app"))) == expected


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ChannelError, match="fewer than 16"):
        Webhook(Line("https://example.org"), "short", lambda: NOW)
