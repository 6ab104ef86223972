"""Invented place names in Chinese and English, put together from lists of plain words: water, trees, virtues, directions.

None is the name of a person, and none is meant to be a place that exists.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from geo.gazetteer.clusters import Ints, rank_within

Words = tuple[tuple[str, str], ...]
Texts = NDArray[np.object_]


def _words(text: str) -> Words:
    """Read "青 Qing, 云 Yun" as pairs."""
    return tuple((zh, en) for zh, en in (pair.split(maxsplit=1) for pair in text.split(",")))


COUNTY = ("云川县（合成数据）", "Yunchuan County (synthetic data)")
"""The top of every synthetic tree says what it is."""

_FIRST = _words(
    "青 Qing, 云 Yun, 柳 Liu, 竹 Zhu, 枫 Feng, 莲 Lian, 桃 Tao, 芦 Lu, 石 Shi, 沙 Sha, 长 Chang, 宽 Kuan, 新 Xin, 宁 Ning, "
    "东 Dong, 南 Nan, 北 Bei, 上 Shang, 下 Xia, 大 Da"
)
_SECOND = _words(
    "河 he, 溪 xi, 湖 hu, 塘 tang, 岭 ling, 谷 gu, 泉 quan, 桥 qiao, 洲 zhou, 湾 wan, 港 gang, 坪 ping, 滩 tan, 渡 du"
)
_TREES = _words(
    "柳树 Willow, 银杏 Ginkgo, 梧桐 Plane Tree, 翠竹 Green Bamboo, 红枫 Red Maple, 桃园 Peach Orchard, 荷花 Lotus, 杏花 Apricot, "
    "香樟 Camphor, 青松 Pine, 白杨 Poplar, 槐荫 Locust Tree, 桂花 Osmanthus, 石榴 Pomegranate, 海棠 Crab Apple, 水杉 Redwood, "
    "芦苇 Reed, 茶园 Tea Garden, 麦田 Wheat Field, 稻香 Rice Field"
)
_SIDES = _words("东 East, 南 South, 西 West, 北 North, 上 Upper, 下 Lower, 新 New, 老 Old")
_VIRTUES = _words(
    "和平 Heping, 人民 Renmin, 建设 Jianshe, 文化 Wenhua, 光明 Guangming, 幸福 Xingfu, 团结 Tuanjie, 友谊 Youyi, 迎宾 Yingbin, "
    "朝阳 Chaoyang, 滨河 Binhe, 湖滨 Hubin, 学府 Xuefu, 科技 Keji, 工业 Gongye, 站前 Zhanqian, 体育 Tiyu, 公园 Gongyuan, "
    "丰收 Fengshou, 振兴 Zhenxing, 前进 Qianjin, 青年 Qingnian, 育才 Yucai, 环城 Huancheng"
)
_VIEWS = _words(
    "阳光 Sunshine, 锦绣 Brocade, 翠湖 Green Lake, 碧水 Clear Water, 星河 Starry River, 蓝天 Blue Sky, 春晖 Spring Light, "
    "明珠 Pearl, 金色 Golden, 丽景 Fine View, 和谐 Harmony, 水岸 Waterside, 清风 Fresh Breeze, 月光 Moonlight, 彩虹 Rainbow, "
    "晨曦 Dawn, 云上 Cloud, 花语 Blossom, 绿野 Green Field, 书香 Library"
)


def _join(first: Words, second: Words, gap: str = " ") -> Words:
    return tuple((a_zh + b_zh, a_en + gap + b_en) for (a_zh, a_en), (b_zh, b_en) in product(first, second))


WATERS = _join(_FIRST, _SECOND, gap="")
"""Two-syllable names such as 青河 Qinghe."""

_POOLS: dict[str, Words] = {
    "town": _join(WATERS, _words("镇 Town, 街道 Subdistrict")),
    "community": _join(_TREES, (("社区", "Community"),)) + _join(_join(_SIDES, _TREES), (("社区", "Community"),)),
    "street": _join(_VIRTUES + WATERS, _words("路 Road, 街 Street")),
    "lane": _join(_VIRTUES + WATERS + _TREES, _words("巷 Lane")),
    "estate": _join(_VIEWS, _words("花园 Garden, 家园 Homes, 苑 Court, 小区 Estate, 新村 Village, 公寓 Apartments")),
    "substation": WATERS,
}


def draw_names(kind: str, within: Ints, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Draw a Chinese and an English name for each place of a kind, no name twice within the same number in ``within``.

    Parameters
    ----------
    kind
        town, community, street, lane, estate or substation.
    within
        For each place the number (from 0) of the place in which its name has to be unique.

    >>> draw_names("town", np.zeros(2, dtype=np.int64), np.random.default_rng(3))[1]
    array(['Beiquan Subdistrict', 'Shigang Town'], dtype=object)
    """
    pool = _POOLS[kind]
    shuffled = rng.permutation(len(pool))
    rank = rank_within(within)
    start = rng.integers(len(pool), size=int(within.max(initial=-1)) + 1)
    pick = shuffled[(start[within] + rank) % len(pool)]
    chinese, english = np.array(pool, dtype=object).T
    again = rank // len(pool)
    return _numbered(chinese[pick], again, "{}第{}区"), _numbered(english[pick], again, "{} Zone {}")


def _numbered(names: Texts, again: Ints, form: str) -> Texts:
    """A pool that is used up starts again, with a number behind the name."""
    for row in np.flatnonzero(again):
        names[row] = form.format(names[row], again[row] + 1)
    return names
