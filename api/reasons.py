"""Reasons that are known in every language, so that a notice in either says them rightly.

Control may type words of its own; those are shown as they were typed, in every language.
"""

from __future__ import annotations

from api.language import Language

REASONS: tuple[dict[Language, str], ...] = (
    {"zh": "线路检修", "en": "line maintenance"},
    {"zh": "变压器检修", "en": "transformer maintenance"},
    {"zh": "设备更换", "en": "replacement of equipment"},
    {"zh": "电网改造施工", "en": "grid upgrade works"},
    {"zh": "缺陷处理", "en": "repair of a defect"},
    {"zh": "配合市政工程", "en": "municipal works"},
    {"zh": "电缆故障", "en": "cable fault"},
    {"zh": "线路故障", "en": "line fault"},
    {"zh": "设备故障", "en": "equipment fault"},
    {"zh": "外力破坏", "en": "damage by a third party"},
    {"zh": "恶劣天气", "en": "severe weather"},
    {"zh": "负荷转移", "en": "transfer of load"},
)


def reason_in(reason: str, language: Language) -> str:
    """Return ``reason`` in ``language`` where it is a known one, else unchanged.

    >>> reason_in("电缆故障", "en"), reason_in("Cable fault", "zh"), reason_in("balloon in the line", "zh")
    ('cable fault', '电缆故障', 'balloon in the line')
    """
    for known in REASONS:
        if reason.strip().casefold() in (words.casefold() for words in known.values()):
            return known[language]
    return reason


def list_reasons(language: Language) -> list[str]:
    """Return the known reasons in ``language``."""
    return [known[language] for known in REASONS]
