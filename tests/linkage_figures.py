"""Precision and recall of a linkage on registers whose truth is known, per class of what was planted."""

import pandas as pd

from gis_service.demo.three_registers import PLANTS, ThreeRegisters
from layers.frames import REGISTERS

CLASSES = ("all", *PLANTS[1:], "none of these")


def pairs_between(persons: pd.Series, register: pd.Series) -> pd.MultiIndex:
    """Every pair of records of one person in two registers, the record of the earlier register first."""
    rows = pd.DataFrame({"person": persons, "place": register.map(REGISTERS.index)}).reset_index(names="record_id")
    both = rows.merge(rows, on="person", suffixes=("", "_other"))
    both = both[both["place"] < both["place_other"]]
    return pd.MultiIndex.from_frame(both[["record_id", "record_id_other"]])


def precision_recall(made: ThreeRegisters, persons: pd.Series) -> pd.DataFrame:
    """Index (``both_numbered``, ``planted``): true_pairs, found_pairs, precision, recall.

    A pair is of a class when either of its records was written wrong in that way; ``both_numbered``: both records say
    an identity number, right or wrong.
    """
    register, truth = made.people["register"], made.truth
    true, found = pairs_between(truth["person"], register), pairs_between(persons, register)
    every = true.union(found)
    left, right = every.get_level_values(0), every.get_level_values(1)
    is_true, is_found = every.isin(true), every.isin(found)
    numbered = made.people["id_number"].notna()
    both = numbered.loc[left].to_numpy() & numbered.loc[right].to_numpy()
    wrong = truth[list(PLANTS[1:])]
    of_class = {name: wrong[name].loc[left].to_numpy() | wrong[name].loc[right].to_numpy() for name in wrong}
    rows = {}
    for numbered_both in (True, False):
        for name in CLASSES:
            ours = both == numbered_both
            if name == "none of these":
                ours = ours & ~pd.DataFrame(of_class).any(axis=1).to_numpy()
            elif name != "all":
                ours = ours & of_class[name]
            hits = int((ours & is_true & is_found).sum())
            truths, finds = int((ours & is_true).sum()), int((ours & is_found).sum())
            rows[numbered_both, name] = (truths, finds, hits / max(finds, 1), hits / max(truths, 1))
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["true_pairs", "found_pairs", "precision", "recall"]
    ).set_axis(pd.MultiIndex.from_tuples(rows, names=["both_numbered", "planted"]))
