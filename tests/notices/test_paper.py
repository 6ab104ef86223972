"""What is printed, read back: a page for each letter, the table of the newspaper, fonts and language set, text never markup."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from notices import paper
from notices.facts import NoticeError
from notices.newspaper import NewspaperPage
from notices.paper import (
    LETTER_SIZES_PT,
    PaperError,
    fit_letter,
    letters_docx,
    letters_pdf,
    newspaper_docx,
    newspaper_pdf,
)
from tests.notices.test_newspaper import a_week, page

LETTERS = [
    ("计划停电通知", "尊敬的王强：\n\n停电时间：2025年6月12日（星期四）08:30 至 17:00\n\n青河供电公司"),
    ("计划停电通知", "尊敬的用户：\n\n您的用电地址将停电。"),
    ("Planned power outage", "Dear Ann Lee,\n\nThe power will be off."),
]
HOSTILE = "<b>Ann</b> & Co ]]> <img src='http://127.0.0.1:9/x.png'> {{ 7*7 }}\x00\x0b\ud800\uffff"
SHOWN = "<b>Ann</b> & Co ]]> <img src='http://127.0.0.1:9/x.png'> {{ 7*7 }}����"


def read(content: bytes) -> Any:
    return Document(BytesIO(content))


def the_page(language: str) -> NewspaperPage:
    return page(*a_week(language), language=language)


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The documents of WeasyPrint from which each PDF is made."""
    documents: list[Any] = []
    write: Callable[[Any], bytes] = paper._pdf
    monkeypatch.setattr(paper, "_pdf", lambda rendered: (documents.append(rendered), write(rendered))[1])
    return documents


def words(box: Any) -> str:
    """All text that WeasyPrint has laid out in a box."""
    return getattr(box, "text", "") + "".join(words(child) for child in getattr(box, "children", ()))


def styles(box: Any) -> Iterator[Any]:
    """How each text in a box is set."""
    if getattr(box, "text", "").strip():
        yield box.style
    for child in getattr(box, "children", ()):
        yield from styles(child)


def test_each_letter_of_a_docx_begins_a_page() -> None:
    paragraphs = read(letters_docx(LETTERS, "zh")).paragraphs
    headings = [each for each in paragraphs if each.style.name == "Heading 1"]
    assert [each.text for each in headings] == [title for title, _ in LETTERS]
    assert [bool(each.paragraph_format.page_break_before) for each in headings] == [False, True, True]
    bodies = "\n".join(each.text for each in paragraphs).split("\f")
    assert "\n".join(bodies) == "\n".join(f"{title}\n{body}" for title, body in LETTERS)


def test_each_letter_of_a_pdf_is_a_page(laid_out: list[Any]) -> None:
    content = letters_pdf(LETTERS, "zh")
    assert content.startswith(b"%PDF-")
    (document,) = laid_out
    assert [words(sheet._page_box).replace("\u200b", "") for sheet in document.pages] == [
        (title + body).replace("\n", "") for title, body in LETTERS
    ]
    assert {(round(sheet.width * 25.4 / 96), round(sheet.height * 25.4 / 96)) for sheet in document.pages} == {(210, 297)}


def test_type_is_never_too_small_to_read(laid_out: list[Any]) -> None:
    letters_pdf(LETTERS, "zh")
    newspaper_pdf(the_page("zh"))
    sheets = [sheet._page_box for document in laid_out for sheet in document.pages]
    assert min(style["font_size"] * 0.75 for sheet in sheets for style in styles(sheet)) >= 10.999
    document = read(letters_docx(LETTERS, "zh"))
    assert {run.font.size for each in document.paragraphs for run in each.runs if each.style.name == "Normal"} == {Pt(12)}


@pytest.mark.parametrize("content", [letters_docx(LETTERS, "zh"), newspaper_docx(the_page("zh"))], ids=["letters", "newspaper"])
def test_a_docx_names_a_font_for_chinese_and_no_theme(content: bytes) -> None:
    styles = read(content).styles
    for name in ("Normal", "Heading 1"):
        fonts = styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) in ("SimSun", "SimHei")
        assert not [key for key in fonts.attrib if key.endswith("Theme")]
    assert {lang.get(qn("w:eastAsia")) for lang in styles.element.iter(qn("w:lang"))} == {"zh-CN"}


@pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])
def test_a_document_says_its_title_and_language_and_nobody_else(language: str, tag: str, laid_out: list[Any]) -> None:
    written = the_page(language)
    about = read(newspaper_docx(written)).core_properties
    assert (about.title, about.language, about.author, about.comments) == (written.title, tag, written.issuer, "")
    letters = read(letters_docx(LETTERS, language)).core_properties
    assert (letters.title, letters.language, letters.author) == (LETTERS[0][0], tag, "")
    newspaper_pdf(written)
    assert (laid_out[0].metadata.title, laid_out[0].metadata.lang) == (written.title, tag)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_table_of_a_docx_is_the_table_of_the_page(language: str) -> None:
    written = the_page(language)
    document = read(newspaper_docx(written))
    (table,) = document.tables
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert cells == [list(written.columns), *(["\n".join(lines) for lines in row.cells] for row in written.rows)]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    after = [each.text for each in document.paragraphs if each.text]
    assert after == [written.title, *written.notes, written.issuer, written.issued_on]
    assert [round(side / Mm(1)) for side in (document.sections[0].page_width, document.sections[0].page_height)] == [297, 210]
    assert sum(cell.width for cell in table.rows[0].cells) <= Mm(297 - 2 * 15)


def test_marks_are_bold_and_nothing_else_of_a_row() -> None:
    written = the_page("zh")
    table = read(newspaper_docx(written)).tables[0]
    bold = {run.text for row in table.rows[1:] for cell in row.cells for run in cell.paragraphs[0].runs if run.bold}
    assert bold == {row.mark for row in written.rows if row.mark}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_pdf_holds_every_word_of_the_page(language: str, laid_out: list[Any]) -> None:
    written = the_page(language)
    newspaper_pdf(written)
    found = "".join(words(sheet._page_box) for sheet in laid_out[0].pages).replace(" ", "").replace("\u200b", "")
    expected = [written.title, *written.columns, *written.notes, written.issuer, written.issued_on]
    expected += [line for row in written.rows for lines in row.cells for line in lines]
    assert [each for each in expected if each.replace(" ", "") not in found] == []


def test_the_head_of_the_table_comes_again_on_every_sheet(laid_out: list[Any]) -> None:
    written = the_page("zh")
    newspaper_pdf(replace(written, rows=written.rows * 6))
    assert len(laid_out[0].pages) > 2
    assert all("停电范围及用户" in words(sheet._page_box) for sheet in laid_out[0].pages[:-1])


def test_a_pdf_is_set_in_the_fonts_of_its_style(laid_out: list[Any]) -> None:
    newspaper_pdf(the_page("zh"))
    assert {style["font_family"][0] for style in styles(laid_out[0].pages[0]._page_box)} == {"Noto Sans CJK SC"}


def test_markup_and_control_characters_are_text(laid_out: list[Any]) -> None:
    document = read(letters_docx([(HOSTILE, HOSTILE)], "en"))
    assert [each.text for each in document.paragraphs] == [SHOWN, SHOWN]
    letters_pdf([("Off", HOSTILE)], "en")
    assert words(laid_out[0].pages[0]._page_box).replace("\u200b", "") == f"Off{SHOWN}"


def test_markup_in_a_page_is_text(laid_out: list[Any]) -> None:
    written = the_page("en")
    row = replace(written.rows[0], area=(HOSTILE,), line=HOSTILE, reason=HOSTILE)
    hostile = replace(written, rows=(row,), notes=(HOSTILE,), title=HOSTILE, issuer=HOSTILE)
    document = read(newspaper_docx(hostile))
    assert document.tables[0].rows[1].cells[3].text == SHOWN
    assert document.core_properties.title == SHOWN
    newspaper_pdf(hostile)
    assert "7*7" in words(laid_out[0].pages[0]._page_box)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80), st.text(max_size=200))
def test_any_text_makes_a_docx_that_can_be_read(title: str, body: str) -> None:
    content = letters_docx([(title, body)], "zh")
    read(content)
    with zipfile.ZipFile(BytesIO(content)) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(parts.read(name))


def body_of(lines: int, text: str = "停电") -> str:
    return "\n".join([text] * lines)


def test_a_letter_is_set_smaller_before_it_is_refused() -> None:
    fitting = [lines for lines in range(1, 60) if _fits(lines)]
    assert fitting == list(range(1, len(fitting) + 1))
    used = [fit_letter("通知", body_of(lines)).size for lines in fitting]
    assert sorted(used, reverse=True) == used
    assert set(used) == set(LETTER_SIZES_PT)


def _fits(lines: int) -> bool:
    try:
        fit_letter("通知", body_of(lines))
    except NoticeError:
        return False
    return True


def test_what_is_estimated_to_fit_fits_the_page(laid_out: list[Any]) -> None:
    long = ["停电" * 300, "The power will be off. " * 60, "WM" * 80, "停,电；" * 90]
    fullest = [_fullest(text) for text in ["停电", *long]]
    letters_pdf([("计划停电通知", body) for body in fullest], "zh")
    assert len(laid_out[0].pages) == len(fullest)


def _fullest(text: str) -> str:
    """The longest letter of lines of ``text`` that is taken."""
    lines = 1
    while True:
        try:
            fit_letter("计划停电通知", body_of(lines + 1, text))
        except NoticeError:
            return body_of(lines, text)
        lines += 1


@pytest.mark.parametrize("make", [letters_docx, letters_pdf])
def test_a_letter_of_more_than_a_page_is_refused_by_name(make: Callable[..., bytes]) -> None:
    with pytest.raises(NoticeError, match=r"'Too much' needs 1\.\d pages.*Shorten") as refused:
        make([*LETTERS, ("Too much", body_of(50))], "en")
    assert [problem.code for problem in refused.value.problems] == ["letter_too_long"]


def test_pages_are_counted_where_the_estimate_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "_height_pt", lambda title, lines, size: 0.0)
    with pytest.raises(NoticeError, match="'Second' needs"):
        letters_pdf([("First", "Short."), ("Second", body_of(70)), ("Third", "Short.")], "en")


@pytest.mark.parametrize("make", [letters_docx, letters_pdf])
def test_no_letters_are_no_document(make: Callable[..., bytes]) -> None:
    with pytest.raises(NoticeError, match="no letter to print"):
        make([], "zh")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ImportError("No module named 'weasyprint'"), r"pip install 'gridnotice\[pdf\]'"),
        (OSError("cannot load library 'libpango-1.0-0'"), "Install libpango-1.0-0, libpangoft2-1.0-0"),
    ],
)
def test_without_weasyprint_a_pdf_says_what_to_install(monkeypatch: pytest.MonkeyPatch, error: Exception, says: str) -> None:
    def missing(name: str) -> None:
        raise error

    monkeypatch.setattr(paper, "import_module", missing)
    with pytest.raises(PaperError, match=says):
        letters_pdf(LETTERS, "zh")


def test_weasyprint_is_not_loaded_for_docx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert letters_docx(LETTERS, "zh")
    with pytest.raises(PaperError):
        letters_pdf(LETTERS, "zh")


def test_weasyprint_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(url: str) -> None:
        asked.append(url)
        paper._refuse(url)

    monkeypatch.setattr(paper, "_refuse", refuse)
    letters_pdf([(HOSTILE, HOSTILE)], "en")
    newspaper_pdf(the_page("en"))
    assert asked == []
    with pytest.raises(ValueError, match=r"fetches nothing, and not file:///etc/hosts"):
        monkeypatch.undo() or paper._refuse("file:///etc/hosts")
