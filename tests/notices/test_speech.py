"""What is said aloud: numbers, times, dates, addresses and telephone numbers, there and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices.numerals import MOST, digit_by_digit, in_figures, in_words
from notices.speech import Aloud, phone_aloud, seconds, unspoken
from notices.spotsaloud import scope_aloud
from outages.facts import Estimate, Window

LANGUAGES = ["zh", "en"]
SHANGHAI = "Asia/Shanghai"
OFF = datetime(2025, 6, 12, 0, 30, tzinfo=UTC)
ISSUED = datetime(2025, 6, 4, tzinfo=UTC)


def aloud(language: str) -> Aloud:
    return Aloud(language, SHANGHAI, ISSUED)


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        (0, "零", "zero"),
        (10, "十", "ten"),
        (12, "十二", "twelve"),
        (48, "四十八", "forty-eight"),
        (105, "一百零五", "one hundred and five"),
        (110, "一百一十", "one hundred and ten"),
        (1005, "一千零五", "one thousand and five"),
        (1250, "一千二百五十", "one thousand two hundred and fifty"),
        (2026, "二千零二十六", "two thousand and twenty-six"),
        (9090, "九千零九十", "nine thousand and ninety"),
    ],
)
def test_numbers_in_words(number: int, zh: str, en: str) -> None:
    assert (in_words(str(number), "zh"), in_words(str(number), "en")) == (zh, en)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_that_is_said_as_a_value_is_read_back_and_is_said_once(language: str) -> None:
    words = [in_words(str(number), language) for number in range(MOST + 1)]
    assert [in_figures(said, language) for said in words] == [str(number) for number in range(MOST + 1)]
    assert len(set(words)) == MOST + 1


@given(st.from_regex(r"[0-9]{2,12}", fullmatch=True), st.sampled_from(LANGUAGES))
@settings(max_examples=60, deadline=None)
def test_digits_one_by_one_are_read_back(digits: str, language: str) -> None:
    assert in_figures(digit_by_digit(digits, language), language) == digits


TIMES = [
    ((8, 30), "上午八点三十分", "eight thirty in the morning"),
    ((17, 0), "下午五点", "five o'clock in the afternoon"),
    ((14, 5), "下午两点零五分", "two oh five in the afternoon"),
    ((0, 0), "凌晨零点", "midnight as this day begins"),
    ((0, 30), "凌晨零点三十分", "twelve thirty after midnight"),
    ((12, 0), "中午十二点", "twelve noon"),
    ((12, 45), "中午十二点四十五分", "twelve forty-five in the afternoon"),
    ((19, 15), "晚上七点十五分", "seven fifteen in the evening"),
    ((23, 59), "晚上十一点五十九分", "eleven fifty-nine at night"),
]


@pytest.mark.parametrize(("clock", "zh", "en"), TIMES)
def test_times_of_day(clock: tuple[int, int], zh: str, en: str) -> None:
    moment = datetime(2025, 6, 12, *clock, tzinfo=ZoneInfo(SHANGHAI))
    assert aloud("zh").moment(moment) == f"六月十二日星期四，{zh}"
    assert aloud("en").moment(moment) == f"Thursday, the twelfth of June, at {en}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_minute_of_a_day_is_read_back(language: str) -> None:
    for minute in range(0, 24 * 60):
        moment = datetime(2025, 6, 12, tzinfo=ZoneInfo(SHANGHAI)) + timedelta(minutes=minute)
        assert unspoken(aloud(language).moment(moment), language).endswith(f"{moment:%H:%M}")


moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.timedeltas(timedelta(minutes=1), timedelta(days=3)), st.sampled_from(LANGUAGES))
@settings(max_examples=100, deadline=None)
def test_windows_are_read_back_to_the_minute(start: datetime, length: timedelta, language: str) -> None:
    window = Window(start, start + length)
    text = aloud(language).window(window)
    assert not re.search("[0-9]", text)
    off = start.replace(second=0, microsecond=0).astimezone(ZoneInfo(SHANGHAI))
    on = window.end + timedelta(seconds=59, microseconds=999999) if window.end else start
    on = on.replace(second=0, microsecond=0).astimezone(ZoneInfo(SHANGHAI))
    assert unspoken(text, language) == written(off, on, language)


def written(off: datetime, on: datetime, language: str) -> str:
    """The window in figures, put together by hand."""
    ends = [day(moment, language) for moment in (off, on)]
    if language == "zh":
        until = "" if off.date() == on.date() else ends[1]
        return f"{ends[0]}{off:%H:%M} 至 {until}{on:%H:%M}"
    until = "" if off.date() == on.date() else f"{ends[1]}, "
    return f"{ends[0]}, {off:%H:%M} to {until}{on:%H:%M}"


def day(moment: datetime, language: str) -> str:
    if language == "zh":
        year = "" if moment.year == 2025 else f"{moment.year}年"
        return f"{year}{moment.month}月{moment.day}日（星期{'一二三四五六日'[moment.weekday()]}）"
    return f"{moment:%A}, {moment.day} {moment:%B}" + ("" if moment.year == 2025 else f" {moment.year}")


def test_days_with_the_same_hours_and_estimates() -> None:
    windows = tuple(Window(OFF + timedelta(days=at), OFF + timedelta(days=at, hours=8)) for at in range(3))
    assert aloud("zh").together(windows) == "六月十二日星期四至六月十四日星期六，每天上午八点三十分至下午四点三十分"
    assert unspoken(aloud("en").together(windows), "en") == "Thursday, 12 June to Saturday, 14 June, each day from 08:30 to 16:30"
    assert aloud("zh").together(windows[::2]).count("；") == 1
    once = Estimate(OFF, OFF, "crew", "high")
    assert aloud("zh").estimate(once) == "六月十二日星期四，上午八点三十分"
    assert aloud("zh").window(Window(OFF, None)) == aloud("zh").moment(OFF)


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        ("95598", "九五五九八", "nine five five nine eight"),
        ("400-889-9998", "四零零 八八九 九九九八", "four zero zero, eight eight nine, nine nine nine eight"),
        ("+86 10 1234", "加八六 一零 一二三四", "plus eight six, one zero, one two three four"),
    ],
)
def test_telephone_numbers(number: str, zh: str, en: str) -> None:
    assert phone_aloud(number, "zh") == zh
    assert phone_aloud(number, "en") == en
    assert unspoken(f"请拨打{zh}，重复{zh}。", "zh") == f"请拨打{number.replace(' ', '-')}，重复{number.replace(' ', '-')}。"
    assert unspoken(f"Call {en}. Again: {en}.", "en") == f"Call {number.replace(' ', '-')}. Again: {number.replace(' ', '-')}."


SCOPES = [
    ("zh", "中山路 12–48 号（双号）、51 号", "中山路 十二号至四十八号的双号、五十一号"),
    ("zh", "柳园小区 3幢、5幢2单元、9幢201–203室", "柳园小区 三幢、五幢二单元、九幢二零一室至二零三室"),
    (
        "zh",
        "中山路 12-1 号、14A 号（部分用户）、甲12 号、105 号及部分其他用户",
        "中山路 十二杠一号、十四A号的部分用户、甲十二号、一百零五号及部分其他用户",
    ),
    ("zh", "中山路 1–9 号（部分单号），2弄3 号", "中山路 一号至九号的部分单号，2弄3 号"),
    ("en", "Hill Street 12–48 (even), 51", "Hill Street even numbers twelve to forty-eight, number fifty-one"),
    (
        "en",
        "The Oaks Building 3, Building 9 Rooms 201–203, Buildings 5–7",
        "The Oaks Building three, Building nine Rooms two zero one to two zero three, Buildings five to seven",
    ),
    (
        "en",
        "Hill Street 12-1, 14A (part), 1–9 (some odd)",
        "Hill Street number twelve dash one, part of number fourteen A, some odd numbers one to nine",
    ),
]


@pytest.mark.parametrize(("language", "text", "said"), SCOPES)
def test_addresses_are_said_and_read_back(language: str, text: str, said: str) -> None:
    assert scope_aloud(text, language) == said
    assert unspoken(said, language) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "柳树社区 柳树3号公变台区，五一路全部，三元里、九里村部分用户，「中山路 12 号」全部"),
        ("zh", "请记住：三号桥、一百零五个用户、十里店"),
        ("en", "Five Ways; all of Three Rivers; “Street 5, 6”"),
    ],
)
def test_numbers_in_names_are_left_alone_both_ways(language: str, text: str) -> None:
    assert scope_aloud(text, language) == text
    assert unspoken(text, language) == text


numbers = st.integers(1, 3000).map(str)


@given(
    st.lists(st.tuples(numbers, st.sampled_from(["", "A", "-3", "–3001"])), min_size=1, max_size=5), st.sampled_from(LANGUAGES)
)
@settings(max_examples=100, deadline=None)
def test_lists_of_house_numbers_are_read_back(listed: list[tuple[str, str]], language: str) -> None:
    spots = [f"{number}{more}" for number, more in listed]
    text = f"中山路 {'、'.join(f'{spot} 号' for spot in spots)}" if language == "zh" else f"Hill Street {', '.join(spots)}"
    said = scope_aloud(text, language)
    assert not re.search("[0-9]", said)
    assert unspoken(said, language) == text


def test_seconds_follow_the_rule_of_the_slot() -> None:
    assert seconds("Power is off. " * 27, "en") == pytest.approx(30.4, abs=0.1)  # 81 words; 80 are read in 30 s
    assert seconds("停电" * 60, "zh") == 30.0
    assert seconds("，。：— ", "zh") == 0
    assert seconds("forty-eight", "en") == seconds("forty eight", "en")
