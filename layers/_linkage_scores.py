"""How much the agreement of a pair speaks for one person: Fellegi and Sunter's weights, taught by identity numbers.

Pairs with the same sound identity number are one person and pairs with two different sound ones are not. Among the
pairs that also meet in another block these teach how often each combination of agreements occurs in either case, so
fields need not be independent of each other: who shares a door often shares a surname and a phone, and is another
person. Pairs without such proof join in by expectation–maximisation, which also finds their share of matches.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from layers._linkage_compare import ID_CONFLICT, ID_DIFFERS, ID_SAME, WORDS, Comparison
from layers._linkage_fields import Codes

Counts = npt.NDArray[np.float64]
_JOINT: Final = ("name", "phone", "birth_year", "address")
_SHAPE: Final = tuple(len(WORDS[field]) for field in _JOINT)
_TAUGHT_ROUNDS: Final = 200
_SETTLED: Final = 1e-6
_PROOF_BITS: Final = 20.0
"""Weight of a sound identity number: fewer than one pair in a million shares one by mistake."""

#: what is believed before any pair is seen: how often each level of a field occurs among one person's records (m) and
#: among different people who share a block (u), the unknown level left out; as many pairs as `_BELIEF` say so
_BEFORE: Final = {
    "name": ((0.005, 0.005, 0.005, 0.045, 0.03, 0.46, 0.45), (0.89, 0.025, 0.005, 0.03, 0.025, 0.024, 0.001)),
    "phone": ((0.05, 0.005, 0.23, 0.715), (0.84, 0.001, 0.158, 0.001)),
    "birth_year": ((0.005, 0.04, 0.955), (0.83, 0.04, 0.13)),
    "address": ((0.03, 0.05, 0.005, 0.005, 0.91), (0.03, 0.06, 0.003, 0.002, 0.905)),
}
_BELIEF: Final = 20.0
_SHARE_BELIEF: Final = 100.0
_JOINT_BELIEF: Final = 50.0
_ID_BEFORE: Final = (np.array([0.0, 0.0, 0.06, 0.84, 0.1, 0.0]), np.array([0.0, 0.0, 0.9997, 0.0003, 3e-6, 0.0]))
_ID_BELIEF: Final = 2_000.0


@dataclass(frozen=True)
class Weights:
    """log2 likelihood ratios.

    ``joint`` per combination of name, phone, birth year and address; ``id_number`` per level of the doubtful identity
    number; ``share``: of matches among the pairs that were scored.
    """

    joint: Counts
    id_number: Counts
    share: float

    def of(self, comparison: Comparison) -> npt.NDArray[np.float64]:
        """log2 odds that each pair is one person."""
        odds = np.log2(self.share) - np.log2(1 - self.share)
        evidence: Counts = self.joint[combination(comparison)] + self.id_number[comparison.id_number]
        result: Counts = evidence + odds
        return result


def combination(comparison: Comparison) -> Codes:
    """Number of the combination of levels of each pair."""
    levels = tuple(getattr(comparison, field).astype(np.int64) for field in _JOINT)
    numbers: Codes = np.ravel_multi_index(levels, _SHAPE).astype(np.int64)
    return numbers


def count_combinations(comparison: Comparison) -> Counts:
    """How often each combination occurs."""
    counts: Counts = np.bincount(combination(comparison), minlength=int(np.prod(_SHAPE))).astype(np.float64)
    return counts


def learn(one_person: Counts, two_people: Counts, doubtful: Comparison, *, share_before: float) -> Weights:
    """
    Learn the weights from pairs of proven kind and from those in doubt.

    Parameters
    ----------
    one_person, two_people
        `count_combinations` of the pairs with the same, and with different, sound identity numbers.
    doubtful
        The pairs that are to be scored.
    share_before
        Share of matches among these that is believed before any is seen; 100 pairs say so.

    Notes
    -----
    Fellegi, I. P. and Sunter, A. B. (1969), A theory for record linkage, JASA 64, 1183–1210; expectation–maximisation
    as in Winkler (1988) and Splink (Linacre et al. 2022), here with a joint table in the place of independent fields,
    drawn towards the product of the fields by 50 pairs' worth of belief.
    """
    cells, count = np.unique(combination(doubtful) * 8 + doubtful.id_number, return_counts=True)
    joint_at, id_at = cells // 8, cells % 8
    share = share_before
    m, u = _smoothed(one_person, 0), _smoothed(two_people, 1)
    m_id, u_id = (_drawn(np.zeros(len(before)), before) for before in _ID_BEFORE)
    for _ in range(_TAUGHT_ROUNDS if len(cells) else 0):
        likely, unlikely = share * m[joint_at] * m_id[id_at], (1 - share) * u[joint_at] * u_id[id_at]
        one = likely / (likely + unlikely)
        before, share = share, float((one @ count + _SHARE_BELIEF * share_before) / (count.sum() + _SHARE_BELIEF))
        m = _smoothed(one_person, 0, np.bincount(joint_at, one * count, len(m)))
        u = _smoothed(two_people, 1, np.bincount(joint_at, (1 - one) * count, len(u)))
        m_id = _drawn(np.bincount(id_at, one * count, len(m_id)), _ID_BEFORE[0])
        u_id = _drawn(np.bincount(id_at, (1 - one) * count, len(u_id)), _ID_BEFORE[1])
        if abs(share - before) < _SETTLED:
            break
    doubt = slice(ID_DIFFERS, ID_SAME)
    id_weight = np.zeros(len(m_id))
    id_weight[doubt] = np.log2(m_id[doubt] / u_id[doubt])
    id_weight[[ID_CONFLICT, ID_SAME]] = -_PROOF_BITS, _PROOF_BITS
    return Weights(np.log2(m / u), id_weight, share)


def _smoothed(taught: Counts, kind: int, believed: npt.NDArray[Any] | None = None) -> Counts:
    """Probability of each combination: as taught, drawn towards the product of the fields' own probabilities.

    What a record does not say tells nothing: a combination with an unknown field is the sum over all that the field
    might have been. Pairs without proof count in the fields alone: in the joint table they would prove whatever is
    believed of them.
    """
    table = taught.reshape(_SHAPE)
    every = table if believed is None else table + believed.reshape(_SHAPE)
    product = np.ones(())
    for axis, field in enumerate(_JOINT):
        others = tuple(other for other in range(len(_SHAPE)) if other != axis)
        own = every.sum(axis=others)[1:] + _BELIEF * np.array(_BEFORE[field][kind])
        product = np.multiply.outer(product, own / own.sum())
    known = table[1:, 1:, 1:, 1:] + _JOINT_BELIEF * product
    known = known / known.sum()
    for axis in range(len(_SHAPE)):
        known = np.concatenate([known.sum(axis=axis, keepdims=True), known], axis=axis)
    result: Counts = known.ravel()
    return result


def _drawn(counts: npt.NDArray[Any], before: Counts) -> Counts:
    """Probability of each level of a doubtful identity number, 1 where it is unknown."""
    held: Counts = counts + _ID_BELIEF * before
    held[0] = 0.0
    result: Counts = held / held.sum()
    result[0] = 1.0
    return result
