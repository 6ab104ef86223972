"""What is printed: letters, a page each, and the page of a newspaper; as DOCX to go on working with, as PDF to print as it is.

::

    (title, body), (title, body), … ─fit─▶ 12 pt, else 11 pt, else an error ─┬─▶ letters_docx
                                                                             └─▶ letters_pdf     the pages are counted too
    NewspaperPage ───────────────────────────────────────────────────────────┬─▶ newspaper_docx
                                                                             └─▶ newspaper_pdf

Words are text here and never markup. What no document may hold (control characters) is shown as � rather than dropped. PDF needs
WeasyPrint (the extra ``pdf``), which is loaded when a PDF is asked for, and which can fetch nothing from anywhere.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt
from docx.styles.style import ParagraphStyle
from docx.table import _Cell
from docx.text.paragraph import Paragraph
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notices.facts import NoticeError
from notices.newspaper import NewspaperPage
from outages.facts import FactProblem

LETTER_SIZES_PT = (12, 11)
"""The type of a letter, and the smallest that it may have to fit on its page."""

PAGE_SIZE_PT = 11

_A4_MM = (210, 297)
_LETTER_MARGINS_MM = (25, 20)
"""Beside the text, and above and below it."""

_PAGE_MARGIN_MM = 15
_COLUMNS_MM = (40, 48, 38, 58, 40, 43)
"""Widths on the page of a newspaper, A4 laid sideways."""

_TITLE_PT, _TITLE_LINE_PT, _TITLE_AFTER_PT = 18, 27, 12
_LINE = 1.5
"""Height of a line, in sizes of its type; an empty line takes half."""

_POINTS = 72 / 25.4
_NARROW_EM, _BROAD_EM = 0.6, 0.9
_BROAD = frozenset("mw@%")
_WRAPPED = 0.95
"""How wide small letters and figures are, and capitals and the like, generously; how much of a line is filled with words."""

_TAGS = {"zh": "zh-CN", "en": "en"}
_LATIN, _TEXT_FONT, _TITLE_FONT = "Arial", "SimSun", "SimHei"
"""In DOCX, where a font has no second choice: those that every office has, or replaces by its own (Liberation, Noto CJK)."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TEMPLATES = Path(__file__).parent / "templates" / "paper"
_SHEETS = Environment(
    loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
)


class PaperError(RuntimeError):
    """A document cannot be made on this machine; the message says what to install."""


@dataclass(frozen=True)
class Letter:
    """A letter that fits on a page in type of ``size`` points; an empty line is a gap."""

    title: str
    lines: tuple[str, ...]
    size: int


def fit_letter(title: str, body: str) -> Letter:
    """Return the letter in the largest type in which it fits on one page.

    Its room is estimated with wide letters and short lines, so a letter that fits here fits in every usual font. Raises
    NoticeError where it does not fit even in the smallest type.
    """
    title, lines = _printable(title), tuple(_printable(body).rstrip().splitlines())
    for size in LETTER_SIZES_PT:
        if _height_pt(title, lines, size) <= _room_pt()[1]:
            return Letter(title, lines, size)
    raise NoticeError(_too_long(title, _height_pt(title, lines, LETTER_SIZES_PT[-1]) / _room_pt()[1]))


def letters_docx(pages: Iterable[tuple[str, str]], language: str) -> bytes:
    """Return a DOCX with a page for each (title, body), in order. Raises NoticeError: see `fit_letter`; or without any."""
    letters = _fitted(pages)
    document = _blank(letters[0].title, "", language)
    _lay_out(document, _A4_MM, *_LETTER_MARGINS_MM)
    for number, letter in enumerate(letters):
        heading = _heading(document, letter.title)
        heading.paragraph_format.page_break_before = number > 0
        for line in letter.lines:
            paragraph = document.add_paragraph(line)
            if line:
                paragraph.runs[0].font.size = Pt(letter.size)
            _line_height(paragraph, Pt(letter.size * _LINE / (1 if line else 2)))
    return _saved(document)


def letters_pdf(pages: Iterable[tuple[str, str]], language: str) -> bytes:
    """Return a PDF with a page for each (title, body), in order. Raises as `letters_docx`, and PaperError without WeasyPrint."""
    letters = _fitted(pages)
    rendered = _render("letters.html", language, letters=letters)
    # What was estimated is counted: a page too many would put one customer's letter on the back of another's.
    if long := [(number, pages) for number, pages in _pages_of_each(rendered).items() if pages > 1]:
        raise NoticeError(*(_too_long(letters[number].title, pages) for number, pages in long))
    return _pdf(rendered)


def newspaper_docx(page: NewspaperPage) -> bytes:
    """Return the page of a newspaper as DOCX, A4 laid sideways; the head of its table comes again on every sheet."""
    document = _blank(page.title, page.issuer, page.language)
    _lay_out(document, _A4_MM[::-1], _PAGE_MARGIN_MM, _PAGE_MARGIN_MM)
    _heading(document, _printable(page.title))
    table = document.add_table(rows=0, cols=len(page.columns), style="Table Grid")
    table.autofit = False
    _row(table, [[(column, True)] for column in page.columns])
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for row in page.rows:
        _row(table, _marked(row.cells, row.mark))
    document.add_paragraph()
    for note in page.notes:
        document.add_paragraph(_printable(note))
    for line in (page.issuer, page.issued_on):
        document.add_paragraph(_printable(line)).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return _saved(document)


def newspaper_pdf(page: NewspaperPage) -> bytes:
    """Return the page of a newspaper as PDF, A4 laid sideways. Raises PaperError without WeasyPrint."""
    rows = [
        {"cells": [[{"text": _printable(text), "bold": bold} for text, bold in cell] for cell in _marked(row.cells, row.mark)]}
        for row in page.rows
    ]
    told = {name: _printable(getattr(page, name)) for name in ("title", "issuer", "issued_on")}
    notes = [_printable(note) for note in page.notes]
    return _pdf(_render("page.html", page.language, rows=rows, columns=page.columns, widths=_COLUMNS_MM, notes=notes, **told))


def _printable(text: str) -> str:
    """Return ``text`` with what no XML may hold shown as what it is: broken.

    >>> _printable("a\\x00b\\tc")
    'a\ufffdb\\tc'
    """
    return _FORBIDDEN.sub("\ufffd", text)


# Whether a letter fits.


def _fitted(pages: Iterable[tuple[str, str]]) -> list[Letter]:
    letters = [fit_letter(title, body) for title, body in pages]
    if not letters:
        raise NoticeError(FactProblem("pages", "letters_missing", "There is no letter to print. Give one or more."))
    return letters


def _too_long(title: str, pages: float) -> FactProblem:
    says = f"The letter {title!r} needs {pages:.1f} pages in type of {LETTER_SIZES_PT[-1]} points, and it has one. Shorten it."
    return FactProblem("body", "letter_too_long", says, f"{pages:.1f}")


def _room_pt() -> tuple[float, float]:
    """Return how wide and how high the text of a letter may be."""
    beside, above = _LETTER_MARGINS_MM
    return (_A4_MM[0] - 2 * beside) * _POINTS, (_A4_MM[1] - 2 * above) * _POINTS


def _height_pt(title: str, lines: Iterable[str], size: int) -> float:
    body = sum((_rows(line, size) if line else 0.5) * size * _LINE for line in lines)
    return _rows(title, _TITLE_PT) * _TITLE_LINE_PT + _TITLE_AFTER_PT + body


def _rows(line: str, size: int) -> int:
    """Return on how many lines ``line`` is set in type of ``size`` points."""
    return max(1, math.ceil(sum(map(_width_em, line)) * size / (_room_pt()[0] * _WRAPPED)))


@lru_cache(maxsize=4096)
def _width_em(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WFA":
        return 1.0
    return _BROAD_EM if char.isupper() or char in _BROAD else _NARROW_EM


# DOCX.


def _blank(title: str, author: str, language: str) -> DocxDocument:
    document = Document()
    about = document.core_properties
    about.title, about.author, about.language, about.comments = _printable(title), _printable(author), _TAGS[language], ""
    _set_font(document.styles["Normal"], _TEXT_FONT, PAGE_SIZE_PT)
    _set_font(document.styles["Heading 1"], _TITLE_FONT, _TITLE_PT)
    for lang in document.styles.element.iter(qn("w:lang")):
        lang.set(qn("w:eastAsia"), _TAGS["zh"])
    return document


def _set_font(style: Any, east_asian: str, size: int) -> None:
    """Set the fonts of ``style`` by name: those of a theme would win, and Chinese has an attribute of its own."""
    assert isinstance(style, ParagraphStyle)
    style.font.size, style.font.color.rgb = Pt(size), None
    style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    fonts.attrib.clear()
    for script, name in (("ascii", _LATIN), ("hAnsi", _LATIN), ("cs", _LATIN), ("eastAsia", east_asian)):
        fonts.set(qn(f"w:{script}"), name)


def _lay_out(document: DocxDocument, size_mm: Sequence[int], beside_mm: int, above_mm: int) -> None:
    sheet = document.sections[0]
    sheet.page_width, sheet.page_height = (Mm(side) for side in size_mm)
    sheet.orientation = WD_ORIENT.LANDSCAPE if size_mm[0] > size_mm[1] else WD_ORIENT.PORTRAIT
    sheet.left_margin = sheet.right_margin = Mm(beside_mm)
    sheet.top_margin = sheet.bottom_margin = Mm(above_mm)


def _heading(document: DocxDocument, title: str) -> Paragraph:
    heading: Paragraph = document.add_heading(title, level=1)
    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
    heading.paragraph_format.space_after = Pt(_TITLE_AFTER_PT)
    _line_height(heading, Pt(_TITLE_LINE_PT))
    return heading


def _line_height(paragraph: Paragraph, height: Length) -> None:
    """Set the exact height, or else each font would have its own and a page its own number of lines."""
    paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    paragraph.paragraph_format.line_spacing = height


def _row(table: Any, cells: Iterable[Iterable[tuple[str, bool]]]) -> None:
    row = table.add_row()
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    for cell, lines, width in zip(row.cells, cells, _COLUMNS_MM, strict=True):
        cell.width = Mm(width)
        _fill(cell, lines)


def _fill(cell: _Cell, lines: Iterable[tuple[str, bool]]) -> None:
    paragraph = cell.paragraphs[0]
    for number, (text, bold) in enumerate(lines):
        if number:
            paragraph.add_run().add_break(WD_BREAK.LINE)
        paragraph.add_run(_printable(text)).bold = bold


def _marked(cells: Iterable[Iterable[str]], mark: str) -> Iterator[list[tuple[str, bool]]]:
    """Yield the lines of each cell, with whether they are bold: only the mark is."""
    for column, lines in enumerate(cells):
        yield [(line, bool(mark) and column == 0 and number == 0) for number, line in enumerate(lines)]


def _saved(document: DocxDocument) -> bytes:
    file = BytesIO()
    document.save(file)
    return file.getvalue()


# PDF.


def _render(template: str, language: str, **told: Any) -> Any:
    """Return the document of WeasyPrint, laid out."""
    html = _SHEETS.get_template(template).render(told, lang=_TAGS[language], css=_css())
    return _weasyprint().HTML(string=html, url_fetcher=_refuse).render()


@lru_cache
def _css() -> str:
    return (_TEMPLATES / "paper.css").read_text(encoding="utf-8")


def check_pdf() -> None:
    """Raise PaperError where no PDF can be made here, with what to install."""
    _weasyprint()


def _weasyprint() -> Any:
    try:
        return import_module("weasyprint")
    except ImportError as error:
        says = "PDF needs WeasyPrint, which is not installed. Install it with: pip install 'gridnotice[pdf]'; or take DOCX."
        raise PaperError(says) from error
    except OSError as error:
        says = f"WeasyPrint lacks a library ({error}). Install libpango-1.0-0, libpangoft2-1.0-0 and a font; or take DOCX."
        raise PaperError(says) from error


def _refuse(url: str) -> NoReturn:
    raise ValueError(f"a printed page fetches nothing, and not {url}. Put what it needs into the page.")


def _pages_of_each(rendered: Any) -> Counter[int]:
    """Return on how many pages each letter stands; a page that names none goes on with the one before."""
    pages: Counter[int] = Counter()
    number = 0
    for page in rendered.pages:
        number = max((int(name.removeprefix("letter-")) for name in page.anchors), default=number)
        pages[number] += 1
    return pages


def _pdf(rendered: Any) -> bytes:
    content: bytes = rendered.write_pdf()
    return content
