"""Names of people: one spelling, their sounds, and how alike two of them are."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

DIFFERENT, PARTIAL, SHORTENED, VARIANT, SAME_COMMON, SAME, SAME_RARE = 1, 2, 3, 4, 5, 6, 7
"""How alike two names are, from least to most; `compare_names` never says `SAME_COMMON` or `SAME_RARE`, which are
about how many people bear a name."""

_NOT_IN_A_NAME: Final = re.compile(r"[\s·•‧・∙⋅.。,，'’\-_]+")
_MOST_CHARACTERS: Final = 16
_LOOK_ALIKE: Final = (
    "己已巳 末未 土士 日曰 人入八 干千于 戊戌戍 天夭 王玉主 晴睛 清请情 萍苹 娟捐涓 陈阵 桂柱挂 海梅 芬芳 红江 冰水 "
    "彬杉 洋样 丹舟 午牛 玲珍 伟炜 玮珍 妹姝 辰晨 贝见 贺贸 刘刈 郑邓 吴昊 候侯 肖萧 闫阎 付傅 戴载 茵茜 瑞端 嫒媛 "
    "铭名 康庚 辛幸 田由甲 令今 白百 军车 丰韦 汪注 沈沉 余佘 史吏 卢户 谭潭 杰木 林材 凤风 兰三 平干 光尤 宏安"
)
"""Characters of names that are mistaken for each other when a handwritten or scanned list is typed in (形近字)."""


@dataclass(frozen=True)
class Names:
    """Every different name of a data set, as numbers.

    ``characters`` (number of names x 16, uint32, 0 where a name has ended), ``sounds`` (the same shape: equal numbers
    are read alike, tones and the confusions zh-z, ch-c, sh-s, -ng, l-n aside), ``shapes`` (equal numbers look alike),
    ``lengths``; ``sound_keys``: equal for names of the same sounds in any order.
    """

    characters: npt.NDArray[np.uint32]
    sounds: npt.NDArray[np.uint32]
    shapes: npt.NDArray[np.uint32]
    sorted_characters: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.int64]
    sound_keys: npt.NDArray[np.int64]


def normalise_names(names: pd.Series) -> pd.Series:
    """One spelling: full-width forms folded, blanks and the dots of transcribed names removed, upper case."""
    spelt, codes = _each_once(names, lambda name: _NOT_IN_A_NAME.sub("", unicodedata.normalize("NFKC", name)).upper())
    return pd.Series(spelt[codes], index=names.index, dtype="str")


def encode_names(unique: npt.NDArray[np.object_]) -> Names:
    """Turn different names (normalised) into numbers; what is longer than 16 characters is compared by its first 16."""
    lengths = np.array([min(len(name), _MOST_CHARACTERS) for name in unique], dtype=np.int64)
    padded = np.array(unique.tolist() or [""], dtype=f"U{_MOST_CHARACTERS}")[: len(unique)]
    characters = padded.view(np.uint32).reshape(len(unique), _MOST_CHARACTERS)
    known, inverse = np.unique(characters, return_inverse=True)
    inverse = inverse.reshape(characters.shape)
    sounds = np.array([_sound(chr(code)) if code else "" for code in known], dtype=object)
    sound_codes = (pd.factorize(sounds, sort=True)[0] + 1).astype(np.uint32)
    sound_codes[known == 0] = 0
    shape_of = {ord(character): number for number, group in enumerate(_LOOK_ALIKE.split(), 1) for character in group}
    shape_codes = np.array([shape_of.get(int(code), int(code) + 1_000) if code else 0 for code in known])
    by_sound = sound_codes[inverse]
    ordered = np.sort(by_sound, axis=1)
    keys = np.unique(ordered, axis=0, return_inverse=True)[1] if len(unique) else np.empty(0)
    return Names(
        characters,
        by_sound,
        shape_codes.astype(np.uint32)[inverse],
        np.sort(characters, axis=1),
        lengths,
        keys.reshape(-1).astype(np.int64),
    )


def compare_names(names: Names, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """How alike the names at ``left`` and ``right`` (positions in ``names``) are.

    ``SAME``: the same characters. ``VARIANT``: the same number of characters, each the same, read alike or looking
    alike; or the same characters in another order. ``PARTIAL``: one character differs and two at least are the same (so
    are the names of brothers). ``SHORTENED``: one character is left out. ``DIFFERENT``: everything else.
    """
    ours, theirs = names.characters[left], names.characters[right]
    alike = (ours == theirs) | (names.sounds[left] == names.sounds[right]) | (names.shapes[left] == names.shapes[right])
    one_length = names.lengths[left] == names.lengths[right]
    reordered = (names.sorted_characters[left] == names.sorted_characters[right]).all(axis=1)
    level = np.full(len(left), DIFFERENT, dtype=np.uint8)
    replaced, left_out = _one_edit(names, left, right, alike)
    level[replaced], level[left_out] = PARTIAL, SHORTENED
    level[(one_length & alike.all(axis=1)) | reordered] = VARIANT
    level[left == right] = SAME
    return level


def _one_edit(
    names: Names, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], alike: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether one character replaced, and whether one left out, makes one name of the other, two at least staying."""
    ours, theirs = names.lengths[left], names.lengths[right]
    shorter, longer = np.minimum(ours, theirs), np.maximum(ours, theirs)
    within = np.arange(_MOST_CHARACTERS) < shorter[:, None]
    from_start = np.cumprod(alike & within, axis=1).sum(axis=1)
    replaced = (ours == theirs) & ((alike & within).sum(axis=1) == ours - 1)
    missing = np.zeros(len(left), dtype=bool)
    rows = np.flatnonzero(longer - shorter == 1)
    if rows.size:
        last = names.lengths
        steps = np.arange(1, _MOST_CHARACTERS + 1)
        at_left = np.maximum(last[left[rows]][:, None] - steps, 0)
        at_right = np.maximum(last[right[rows]][:, None] - steps, 0)
        same = names.characters[left[rows][:, None], at_left] == names.characters[right[rows][:, None], at_right]
        from_end = np.cumprod(same & (steps <= shorter[rows][:, None]), axis=1).sum(axis=1)
        missing[rows] = from_start[rows] + from_end >= shorter[rows]
    return replaced & (shorter >= 3), missing & (shorter >= 2)


def _each_once(column: pd.Series, spell: Callable[[str], str]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.intp]]:
    codes, unique = pd.factorize(column)
    return np.array([spell(value) for value in unique], dtype=object), codes


def _sound(character: str) -> str:
    """Pinyin without tone and without what many speakers and typists do not tell apart."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - a second of dictionaries that only matching pays for

    sound = lazy_pinyin(character, style=Style.NORMAL)[0]
    for written, heard in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        if sound.startswith(written):
            sound = heard + sound[len(written) :]
    if sound.endswith("ng"):
        sound = sound[:-1]
    return "l" + sound[1:] if sound.startswith("n") and len(sound) > 1 else sound
