"""Three registers of the same people: which of their records are one person, and how sure that is.

Deterministic levels come first, each taken only where it is unambiguous; what they leave is scored as Fellegi and
Sunter do, with weights that the pairs with identity numbers teach. Between two registers everybody has at most one
partner, and a person never has two records of one register unless these are named as duplicates. Doors are compared by
their numbers, all of which must be equal; only names may be alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers._linkage_assign import components, one_to_one, without_contradiction
from layers._linkage_blocks import candidate_pairs
from layers._linkage_compare import (
    BIRTH_DIFFERS,
    BIRTH_SAME,
    ID_CONFLICT,
    ID_NEAR,
    ID_SAME,
    PHONE_SAME,
    PHONE_SHARED,
    SAME_BUILDING,
    SAME_DOOR,
    Comparison,
    compare,
)
from layers._linkage_fields import Codes, Fields, encode
from layers._linkage_names import DIFFERENT, SAME_COMMON, VARIANT
from layers._linkage_scores import count_combinations, learn
from layers.frames import REGISTERS, check_people

__all__ = ["LEVELS", "Linkage", "link"]

LEVELS: Final = ("id_number", "name_phone_address", "name_birth_building", "scored")
"""How a link was found, the surest first: the same identity number with a right check digit; name, phone and every part
of the address; name, birth year and building; or the score."""

_SCORED: Final = LEVELS.index("scored")
_SECOND_BITS: Final = 3.0
"""How much surer than a link it must be that a record is somebody's second one."""
_SHARE_OF_LINKS, _SHARE_OF_DUPLICATES = 0.2, 0.01
"""Matches among the pairs in doubt, as believed before any is seen."""
_PAIRS: Final = ((0, 1), (0, 2), (1, 2))


@dataclass(frozen=True)
class Linkage:
    """
    Who is who in the three registers.

    Attributes
    ----------
    links
        One row per link between two registers, on a plain index: ``left_id``, ``right_id`` (record ids),
        ``left_register``, ``right_register``, ``level`` (of `LEVELS`), ``score`` (log2 odds that it is one person) and
        the evidence, one categorical per field: ``name``, ``id_number``, ``phone``, ``birth_year``, ``address``.
    duplicates
        The same columns for two records of one register that are one person.
    refused
        Links that were found and not kept, as they would give a person two records of one register.
    persons
        Index ``record_id``, in the order of the people given: ``person_id`` (int64, the smallest record id of the
        person), ``main`` (bool: the record that stands for the person in its register; the others are duplicates).
    blocks_skipped
        Blocks of records too large to compare (placeholder values); 0 in ordinary data.
    """

    links: pd.DataFrame
    duplicates: pd.DataFrame
    refused: pd.DataFrame
    persons: pd.DataFrame
    blocks_skipped: int


def link(people: pd.DataFrame, *, least_probability: float = 0.5, largest_block: int = 2_000) -> Linkage:
    """
    Link the records of the three registers.

    Parameters
    ----------
    people
        PEOPLE frame (`layers.frames.check_people`). Identity numbers, names and phones are compared as plain text, as
        a mistyped digit or a variant character cannot be seen in a keyed index.
    least_probability
        Of a scored link, in (0, 1) (setting).
    largest_block
        Records that share a value and are still compared with each other (setting).

    Returns
    -------
    Linkage
        The same whatever the order of the rows.

    Raises
    ------
    layers.frames.FrameError
        When the frame breaks the contract.
    ValueError
        When a number is out of its range.
    """
    if not 0 < least_probability < 1:
        raise ValueError(f"least_probability must lie between 0 and 1, not {least_probability}")
    given = people.index
    people = check_people(people).sort_index()
    records = encode(people)
    left, right, skipped = candidate_pairs(records, largest_block=largest_block)
    pairs = _Pairs(left, right, compare(records, left, right))
    least_odds = float(np.log2(least_probability / (1 - least_probability)))
    within = records.register[left] == records.register[right]
    same = _duplicates(pairs[within], least_odds)
    node = components(len(people), same.left, same.right)
    found, refused, left_over = _links(records, pairs[~within], node, least_odds)
    again = _second_records(records, left_over, found, node, least_odds + _SECOND_BITS)
    same = _Links.joined([same, again])
    person = components(len(people), np.r_[same.left, found.left], np.r_[same.right, found.right])
    ids = people.index.to_numpy()
    return Linkage(
        links=found.frame(ids, records.register),
        duplicates=same.frame(ids, records.register),
        refused=refused.frame(ids, records.register),
        persons=_persons(people.index, records, person, found).reindex(given),
        blocks_skipped=skipped,
    )


@dataclass(frozen=True)
class _Pairs:
    """Pairs of positions with their comparison."""

    left: Codes
    right: Codes
    comparison: Comparison

    def __getitem__(self, which: npt.NDArray[np.bool_] | Codes) -> "_Pairs":
        return _Pairs(self.left[which], self.right[which], self.comparison[which])


@dataclass(frozen=True)
class _Links:
    """Pairs that are one person, with the level and the score of each."""

    left: Codes
    right: Codes
    comparison: Comparison
    level: Codes
    score: npt.NDArray[np.float64]

    def __getitem__(self, which: npt.NDArray[np.bool_] | Codes) -> "_Links":
        return _Links(self.left[which], self.right[which], self.comparison[which], self.level[which], self.score[which])

    @classmethod
    def joined(cls, pieces: "Sequence[_Links]") -> "_Links":
        return cls(
            np.concatenate([piece.left for piece in pieces]),
            np.concatenate([piece.right for piece in pieces]),
            Comparison.joined([piece.comparison for piece in pieces]),
            np.concatenate([piece.level for piece in pieces]),
            np.concatenate([piece.score for piece in pieces]),
        )

    def frame(self, ids: npt.NDArray[np.int64], register: Codes) -> pd.DataFrame:
        names = np.array(REGISTERS, dtype=object)
        return pd.DataFrame(
            {
                "left_id": ids[self.left],
                "right_id": ids[self.right],
                "left_register": names[register[self.left]],
                "right_register": names[register[self.right]],
                "level": pd.Categorical(np.array(LEVELS)[self.level], categories=LEVELS),
                "score": self.score.round(2),
                **self.comparison.words(),
            }
        )


def _level(comparison: Comparison, *, duplicates: bool) -> Codes:
    """The deterministic level of each pair; `scored` where none applies.

    Two records of one register may be two people of one name in one building, so there it takes the same door.
    """
    same_name = comparison.name >= SAME_COMMON
    by_number = comparison.id_number == ID_SAME
    if duplicates:  # one number with two quite different names is two people, and somebody's mistake
        by_number &= (comparison.name > DIFFERENT) | (comparison.phone >= PHONE_SHARED)
    by_phone = same_name & (comparison.phone >= PHONE_SHARED) & (comparison.address == SAME_DOOR)
    place = SAME_DOOR if duplicates else SAME_BUILDING
    by_birth = same_name & (comparison.birth_year == BIRTH_SAME) & (comparison.address >= place)
    open_to_doubt = (comparison.id_number != ID_CONFLICT) & (comparison.birth_year != BIRTH_DIFFERS)
    return np.select([by_number, by_phone & open_to_doubt, by_birth & open_to_doubt], [0, 1, 2], _SCORED)


def _scores(pairs: _Pairs, doubtful: npt.NDArray[np.bool_], *, duplicates: bool) -> npt.NDArray[np.float64]:
    """log2 odds of every pair, by weights learned from those with identity numbers and those in doubt."""
    comparison = pairs.comparison
    meets = (comparison.phone >= PHONE_SHARED) | (comparison.address == SAME_DOOR) | (comparison.name >= VARIANT)
    weights = learn(
        count_combinations(comparison[meets & (comparison.id_number == ID_SAME)]),
        count_combinations(comparison[meets & (comparison.id_number == ID_CONFLICT)]),
        comparison[doubtful],
        share_before=_SHARE_OF_DUPLICATES if duplicates else _SHARE_OF_LINKS,
    )
    return weights.of(comparison)


def _may_be_one(comparison: Comparison) -> npt.NDArray[np.bool_]:
    """Whether a pair may be linked by its score.

    The names are not different, or the identity number is nearly the same, or all else is equal: the door, the birth
    year and a phone that only one name has.
    """
    named = comparison.name > DIFFERENT
    numbered = comparison.id_number >= ID_NEAR
    all_else = (comparison.address == SAME_DOOR) & (comparison.birth_year == BIRTH_SAME)
    all_else &= comparison.phone == PHONE_SAME
    result: npt.NDArray[np.bool_] = (named | numbered | all_else) & (comparison.id_number != ID_CONFLICT)
    return result


def _duplicates(pairs: _Pairs, least_odds: float) -> _Links:
    """Pairs of records of one register that are one person."""
    level = _level(pairs.comparison, duplicates=True)
    doubtful = (level == _SCORED) & (pairs.comparison.id_number != ID_CONFLICT)
    doubtful &= pairs.comparison.id_number != ID_SAME
    score = _scores(pairs, doubtful, duplicates=True)
    taken = (level < _SCORED) | (doubtful & (score > least_odds) & _may_be_one(pairs.comparison))
    return _Links(pairs.left[taken], pairs.right[taken], pairs.comparison[taken], level[taken], score[taken])


def _links(records: Fields, pairs: _Pairs, node: Codes, least_odds: float) -> tuple[_Links, _Links, _Links]:
    """Links between registers, one to one; those refused; and pairs worth a link of which one end had a better one."""
    register = records.register
    swap = register[pairs.left] > register[pairs.right]
    pairs = _Pairs(np.where(swap, pairs.right, pairs.left), np.where(swap, pairs.left, pairs.right), pairs.comparison)
    found = []
    for one, other in _PAIRS:
        ours = (register[pairs.left] == one) & (register[pairs.right] == other)
        found.append(_links_between(pairs[ours], node, least_odds))
    every = _Links.joined([links for links, _ in found])
    left_over = _Links.joined([links for _, links in found])
    every = every[np.lexsort((every.right, every.left, -every.score, every.level))]
    members = len(register)
    side = np.zeros(members, dtype=np.int64)
    side[node] = register
    kept = without_contradiction(members, side, node[every.left], node[every.right], np.arange(len(every.left)))
    return every[kept], every[~kept], left_over


def _links_between(pairs: _Pairs, node: Codes, least_odds: float) -> tuple[_Links, _Links]:
    """Links between two registers, level by level, then by score; and what would be worth one.

    Every pair has its record of the earlier register on the left.
    """
    level = _level(pairs.comparison, duplicates=False)
    left, right = node[pairs.left], node[pairs.right]
    couple = np.minimum(left, right) * (int(node.max(initial=0)) + 1) + np.maximum(left, right)
    vetoed = np.isin(couple, np.unique(couple[pairs.comparison.id_number == ID_CONFLICT])) & (level > 0)
    chosen = np.zeros(len(left), dtype=bool)
    free = ~vetoed
    # of a person's two records of one register the one that agrees better is the one that is linked
    worth = np.ones(len(left)) + pairs.comparison.name + pairs.comparison.address + pairs.comparison.phone
    for step in range(_SCORED):
        candidates = np.flatnonzero(free & (level == step))
        candidates = candidates[np.argsort(-worth[candidates], kind="stable")]
        candidates = candidates[~pd.Series(couple[candidates]).duplicated().to_numpy()]
        if step == 0:
            taken = candidates[one_to_one(left[candidates], right[candidates], worth[candidates])]
        else:
            taken = candidates[_only(left[candidates]) & _only(right[candidates])]
        chosen[taken] = True
        free &= ~np.isin(left, left[taken]) & ~np.isin(right, right[taken])
    doubtful = free & (pairs.comparison.id_number != ID_SAME)
    score = _scores(pairs, doubtful, duplicates=False)
    worthy = np.flatnonzero(doubtful & (score > least_odds) & _may_be_one(pairs.comparison))
    worthy = worthy[np.argsort(-score[worthy], kind="stable")]
    worthy = worthy[~pd.Series(couple[worthy]).duplicated().to_numpy()]
    by_score = worthy[one_to_one(left[worthy], right[worthy], score[worthy] - least_odds)]
    chosen[by_score] = True
    level[by_score] = _SCORED
    links = _Links(pairs.left, pairs.right, pairs.comparison, level, score)
    return links[chosen], links[~chosen & ~vetoed & (score > least_odds) & _may_be_one(pairs.comparison)]


def _second_records(records: Fields, pairs: _Links, found: _Links, node: Codes, least_odds: float) -> _Links:
    """Duplicates that a third register gives away.

    A record that nobody is linked to, and that agrees with a person whose record in the same register is another one,
    is that person's second record: it differs too much from the first to be known by it alone.
    """
    register = records.register
    linked = np.zeros(len(register), dtype=bool)
    linked[node[found.left]] = linked[node[found.right]] = True
    held = pd.Series(
        np.r_[found.right, found.left],
        index=np.r_[node[found.left] * 3 + register[found.right], node[found.right] * 3 + register[found.left]],
    )
    ends = np.r_[pairs.left, pairs.right], np.r_[pairs.right, pairs.left]
    score = np.r_[pairs.score, pairs.score]
    lonely = ~linked[node[ends[0]]] & linked[node[ends[1]]] & (score > least_odds)
    second, known, score = ends[0][lonely], ends[1][lonely], score[lonely]
    place = held.index.get_indexer(pd.Index(node[known] * 3 + register[second]))
    first = held.to_numpy(dtype=np.int64)[place[place >= 0]]
    second, score = second[place >= 0], score[place >= 0]
    order = np.lexsort((first, second, -score))
    order = order[~pd.Series(node[second[order]]).duplicated().to_numpy()]
    second, first, score = second[order], first[order], score[order]
    comparison = compare(records, first, second)
    sound = comparison.id_number != ID_CONFLICT
    level = np.full(len(second), _SCORED)
    return _Links(first, second, comparison, level, score)[sound]


def _only(members: Codes) -> npt.NDArray[np.bool_]:
    """Whether each member occurs once."""
    return ~pd.Series(members).duplicated(keep=False).to_numpy(bool)


def _persons(index: pd.Index, records: Fields, person: Codes, found: _Links) -> pd.DataFrame:
    """The person of each record, and the record that stands for it in its register: the one with the best link."""
    ids = index.to_numpy()
    smallest = np.full(int(person.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, person, ids)
    best = np.full(len(ids), -1.0)
    rank = len(LEVELS) - found.level + 1 / (1 + np.exp2(-np.clip(found.score, -50, 50)))
    np.maximum.at(best, found.left, rank)
    np.maximum.at(best, found.right, rank)
    order = np.lexsort((ids, -best, records.register, person))
    first = np.ones(len(ids), dtype=bool)
    first[order[1:]] = (np.diff(person[order]) != 0) | (np.diff(records.register[order]) != 0)
    return pd.DataFrame({"person_id": smallest[person], "main": first}, index=index)
