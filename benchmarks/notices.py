"""Goal 15: the same text to 100,000 people, against jinja2 rendered for one after the other.

::

    text with blanks ──┬─ Form.of ──── fill_many(columns) ─┐
                       │                                   ├─ the same letters, byte for byte
                       └─ a template ─ render, render, … ──┘

Both take text and people ready made, and both put words in place of a name that is not known. What a deliverer does is measured:
one letter after the other, none kept. The other rows keep them all, which is mostly the price of the memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined, Template

from benchmarks.measure import Result, compare
from notices.personal import Form

if TYPE_CHECKING:
    from benchmarks.town import Say

PEOPLE = 100_000
BOUND = 20

_NAMELESS = 10
"""Of so many people there is one whose name is not known."""

_SMS = (
    "【青河供电】尊敬的[[name]]：因线路检修，您的用电地址[[address]]计划于6月12日08:30至17:00停电，"
    "供电可能提前恢复。咨询电话：95598。"
)
_LETTER = """尊敬的[[name]]：

我公司计划对以下区域停电，现将有关事项通知如下：

停电原因：10千伏河东线绝缘化改造
停电线路：10千伏河东线、10千伏柳园线
停电时间：2025年6月12日（星期四）08:30 至 17:00（北京时间）
停电范围：
中山路 12–48 号（双号）；
柳园小区 1–9 幢；
河东村（青河大桥以东）；
人民路 101 号、103 号、105 号及商铺。
您的用电地址是[[address]]。

给您带来的不便，敬请谅解。供电可能提前恢复，不再另行通知；如遇恶劣天气等情况，停电和恢复供电的时间可能推迟。
安全提示：供电随时可能恢复，请始终将电力线路和设备视为带电，切勿触碰。请在停电前关闭电器，以防来电后发生意外。
如家中有人使用维持生命的医疗设备，请立即拨打95598与我们联系，并准备好备用电源。

服务热线：95598
通知编号：20250612-00042.1

青河供电公司
2025年6月4日
"""
_TEXTS = {"SMS": _SMS, "letter": _LETTER}

Columns = Mapping[str, Sequence[str]]


def measure_notices(say: Say, *, people: int = PEOPLE) -> Iterator[Result]:
    """Yield the results for a short text and a long one, and the same with all of them kept."""
    columns = _people(people)
    for kind, text in _TEXTS.items():
        form, template = Form.of(text, "zh"), _template(text)
        _check(form, template, columns)
        size = f"{people:,}; {len(text)} characters each"
        one_by_one = (
            lambda form=form: deque(form.fill_many(columns), maxlen=0),
            lambda template=template: deque(_rendered(template, columns), maxlen=0),
        )
        kept = lambda form=form: list(form.fill_many(columns)), lambda template=template: list(_rendered(template, columns))
        passing = Result(
            15, f"personal notices: {kind}", "jinja2, one by one", size, *compare(*one_by_one), BOUND, is_faster=True
        )
        say(f"{kind}: {people / passing.ours:,.0f} notices a second, jinja2 {people / passing.theirs:,.0f}")
        yield passing
        yield Result(15, f"personal notices: {kind}, all kept", "jinja2, one by one", size, *compare(*kept), is_faster=True)


def _people(count: int) -> Columns:
    return {
        "name": ["" if row % _NAMELESS == 0 else f"王{row}" for row in range(count)],
        "address": [f"青河镇中山路{row % 900 + 1}号{row % 30 + 1}单元" for row in range(count)],
    }


def _template(text: str) -> Template:
    """Return the same text as a template, compiled."""
    engine = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    return engine.from_string(text.replace("[[name]]", "{{ name or '用户' }}").replace("[[address]]", "{{ address }}"))


def _rendered(template: Template, columns: Columns) -> Iterator[str]:
    render = template.render
    return (render(name=name, address=address) for name, address in zip(columns["name"], columns["address"], strict=True))


def _check(form: Form, template: Template, columns: Columns) -> None:
    """Compare byte for byte before anything is timed, one by one, so that the memory is as it was."""
    for ours, theirs in zip(form.fill_many(columns), _rendered(template, columns), strict=True):
        assert ours.encode() == theirs.encode()


if __name__ == "__main__":
    for result in measure_notices(lambda text: print(text, flush=True)):
        print(" | ".join(result.cells()), flush=True)
