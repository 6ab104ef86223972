"""Whether people can read a text: sentences that are not too long, and no words that only engineers know.

A list of places is no sentence, and what a place is called is nobody's choice: lists are taken out before a text is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from outages.facts import FactProblem

LONGEST_SENTENCE: Mapping[str, int] = MappingProxyType({"zh": 70, "en": 25})
"""Characters without figures and spaces in Chinese (our choice), words in English (as the style guide of GOV.UK has it)."""

LONGEST_CLAUSE: Mapping[str, int] = MappingProxyType({"zh": 32, "en": 25})
"""The same between two commas (our choice): Chinese joins clauses that English would make sentences of."""

_SENTENCE_END = {"zh": r"[。！？；：\n]|(?<=[^0-9])[:;?!]", "en": r"[.!?;:](?=\s|$)|\n"}
_CLAUSE_END = {"zh": r"[，、,（）()]", "en": r"[,()]"}
_COUNTED = {"zh": r"[\u3400-\u9fff〇]|[A-Za-z]+", "en": r"[A-Za-z][A-Za-z'’-]*"}

PLAIN_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "approximately": "about",
            "commence": "start",
            "commences": "starts",
            "conductor replacement": "new wires",
            "consumer": "customer",
            "consumers": "customers",
            "de-energise": "turn off the power",
            "de-energised": "turned off",
            "de-energize": "turn off the power",
            "de-energized": "turned off",
            "feeder": "supply line",
            "feeders": "supply lines",
            "in the event of": "if",
            "interruption of supply": "power outage",
            "isolate": "disconnect",
            "isolated": "disconnected",
            "load shedding": "turning off power to some areas",
            "outage window": "time without power",
            "prior to": "before",
            "premises": "homes and businesses",
            "re-energise": "turn the power back on",
            "re-energize": "turn the power back on",
            "reinstated": "back",
            "scada": "remote control",
            "supply interruption": "power outage",
            "switching operation": "work on the network",
            "switchgear": "electrical equipment",
            "terminate": "end",
            "tripped": "switched itself off",
            "utilise": "use",
            "utilize": "use",
        },
        "zh": {
            "倒闸": "切换线路",
            "倒负荷": "改由其他线路供电",
            "负荷转供": "改由其他线路供电",
            "转供电": "改由其他线路供电",
            "合环": "改由其他线路供电",
            "解环": "改由其他线路供电",
            "解列": "断开",
            "停役": "停用",
            "复役": "恢复使用",
            "复电": "恢复供电",
            "馈线": "线路",
            "母线": "设备",
            "刀闸": "开关",
            "环网柜": "配电设备",
            "环网单元": "配电设备",
            "开闭所": "配电设备",
            "失压": "停电",
            "失电": "停电",
            "拉路": "停电",
            "拉闸": "停电",
            "跳闸": "线路故障",
            "消缺": "消除设备隐患",
            "技改": "设备改造",
            "迁改": "线路搬迁",
            "预试": "设备检查",
            "配变": "变压器",
        },
    }
)
"""Words that customers do not know → what to say instead."""


def faults(text: str, language: str, *, lists: Iterable[str] = ()) -> list[FactProblem]:
    """Return what makes ``text`` hard to read, in the order of the text; [] where nothing does.

    Parameters
    ----------
    lists
        Pieces of the text that are lists of names and numbers, such as the lines of a scope: they are not judged.

    >>> [fault.says for fault in faults("Prior to the work, call us.", "en")]
    ["The text says 'prior to', which readers may not know. Say 'before'."]
    """
    judged = text
    for each in sorted(lists, key=len, reverse=True):
        judged = judged.replace(each, "") if each else judged
    return [*_long_sentences(judged, language), *_hard_words(judged, language)]


def _long_sentences(text: str, language: str) -> Iterator[FactProblem]:
    for sentence in filter(None, map(str.strip, re.split(_SENTENCE_END[language], text))):
        longest_clause = max(_count(clause, language) for clause in re.split(_CLAUSE_END[language], sentence))
        if _count(sentence, language) > LONGEST_SENTENCE[language]:
            yield _too_long("sentence", sentence, _count(sentence, language), LONGEST_SENTENCE[language])
        elif longest_clause > LONGEST_CLAUSE[language]:
            yield _too_long("clause", sentence, longest_clause, LONGEST_CLAUSE[language])


def _too_long(what: str, sentence: str, length: int, most: int) -> FactProblem:
    says = f"A {what} has a length of {length}, over {most}: {sentence[:40]}… Make two of it."
    return FactProblem("text", f"{what}_too_long", says, sentence)


def _count(text: str, language: str) -> int:
    return len(re.findall(_COUNTED[language], text))


def _hard_words(text: str, language: str) -> Iterator[FactProblem]:
    folded = text.casefold()
    edge = r"\b" if language == "en" else ""
    found = [(at.start(), word) for word in PLAIN_WORDS[language] if (at := re.search(f"{edge}{re.escape(word)}{edge}", folded))]
    for _, word in sorted(found):
        says = f"The text says {word!r}, which readers may not know. Say {PLAIN_WORDS[language][word]!r}."
        yield FactProblem("text", "word_unknown", says, word)
