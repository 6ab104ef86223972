"""Sizes of text messages: against a second implementation that sends the message part by part, and known examples."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notices.sms import encode_size, plain_sms

# GSM 03.38 row by row as the table of the standard has it, columns 0 to 7; 1B is the escape.
BASIC_ROWS = [
    "@Δ 0¡P¿p",
    "£_!1AQaq",
    '$Φ"2BRbr',
    "¥Γ#3CScs",
    "èΛ¤4DTdt",
    "éΩ%5EUeu",
    "ùΠ&6FVfv",
    "ìΨ'7GWgw",
    "òΣ(8HXhx",
    "ÇΘ)9IYiy",
    "\nΞ*:JZjz",
    "Ø\x1b+;KÄkä",
    "øÆ,<LÖlö",
    "\ræ-=MÑmñ",
    "Åß.>NÜnü",
    "åÉ/?O§oà",
]
ESCAPED = "\f^{}\\[~]|€"


def send(text: str) -> tuple[str, int, int]:
    """Encode a message as numbers and cut it as a phone does: (encoding, units, parts)."""
    table = {
        char: column * 16 + row for row, chars in enumerate(BASIC_ROWS) for column, char in enumerate(chars) if char != "\x1b"
    }
    if all(char in table or char in ESCAPED for char in text):
        name, alone, joined = "GSM-7", 160, 153
        units = [unit for char in text for unit in ([table[char]] if char in table else [27, ord(char) % 128])]
        opens = [char_at for char_at, unit in enumerate(units) if unit == 27]
    else:
        name, alone, joined = "UCS-2", 70, 67
        raw = text.encode("utf-16-be", "surrogatepass")
        units = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        opens = [at for at, unit in enumerate(units) if 0xD800 <= unit < 0xDC00]
    parts, rest, start = 0, len(units), 0
    while rest > 0 or not parts:
        room = alone if len(units) <= alone else joined
        room -= start + room - 1 in opens and rest > room  # the pair would be torn
        parts, start, rest = parts + 1, start + room, rest - room
    return name, len(units), parts


@given(st.text(st.sampled_from("aZ9 é@€[^\n–停电😀~"), max_size=400))
@example("")
@example("a" * 152 + "€" + "a" * 10)
@example("停" * 66 + "😀" + "停" * 20)
@settings(max_examples=100, deadline=None)
def test_sizes_are_those_of_a_phone_that_sends_part_by_part(text: str) -> None:
    size = encode_size(text)
    assert (size.encoding, size.units, size.parts) == send(text)


@given(st.text(st.sampled_from([*"".join(BASIC_ROWS).replace("\x1b", ""), *ESCAPED]), max_size=330))
@settings(max_examples=60, deadline=None)
def test_the_whole_alphabet_of_gsm_stays_in_it(text: str) -> None:
    assert (encode_size(text).encoding, encode_size(text).units, encode_size(text).parts) == send(text)


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),  # 306 septets would be two parts, but for the pair
        ("停" * 70, "UCS-2", 1),
        ("停" * 71, "UCS-2", 2),
        ("停" * 66 + "😀" + "停" * 66, "UCS-2", 3),  # 134 would be two parts, but for the pair
        ("a" * 70 + "–", "UCS-2", 2),
        ("`", "UCS-2", 1),
    ],
)
def test_parts_at_the_limits(text: str, encoding: str, parts: int) -> None:
    size = encode_size(text)
    assert (size.encoding, size.parts) == (encoding, parts)


def test_typographic_marks_become_plain_and_names_keep_their_letters() -> None:
    assert plain_sms("Hill Street 12–48 (even): “The Oaks”…") == 'Hill Street 12-48 (even): "The Oaks"...'
    assert encode_size(plain_sms("–—‘’“”…\u00a0×")).encoding == "GSM-7"
    assert plain_sms("Zhōngshān Lù, 中山路") == "Zhōngshān Lù, 中山路"
