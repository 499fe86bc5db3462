"""Precision and recall of links and of mismatches on registers whose truth is known, per class."""

import pandas as pd

from gis_service.demo.three_registers import PLANTS, ThreeRegisters
from layers._linkage_names import normalise_names
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


def class_figures(made: ThreeRegisters, found: pd.DataFrame) -> pd.DataFrame:
    """How many of the mismatches that there truly are `classify` found, and how many of those found are.

    What there truly is follows from who wrote the records, and not from any linkage: who is missing where, who stands
    twice in a register, who has left, who moved, whose address is none, whose name, number or phone the police have
    otherwise (without them, village and grid workers). Whoever has left is to be deregistered, and nothing else. A
    mismatch is right when it is of this class and field and of this person (for who is missing, stands twice, has left
    or has a wrong address: in this register); it is also right when it is true of the person's second record in a
    register only, which nobody has to find.

    Returns
    -------
    Index (``mismatch_class``, ``field``): true, found, precision, recall.
    """
    rows_all = made.truth.join(made.people[["register", "name", "id_number", "phone", "address_id"]])
    rows_all["name"] = normalise_names(rows_all["name"])
    gone = rows_all["person"].isin(rows_all.loc[rows_all["left"], "person"])
    here = rows_all[~gone]
    first = here[~here["second"]]
    expected = _absences(here) | _departures(rows_all[gone]) | _differences(first) | _nowhere(first)
    also, seen = expected | _differences(here) | _nowhere(here), _found_mismatches(made, found)
    rows = {}
    for kind in sorted({key[:2] for key in expected}):
        there, right, told = ({key for key in keys if key[:2] == kind} for keys in (expected, also, seen))
        precision, recall = len(right & told) / max(len(told), 1), len(there & told) / max(len(there), 1)
        rows[kind] = (len(there), len(told), precision, recall)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["true", "found", "precision", "recall"]).set_axis(
        pd.MultiIndex.from_tuples(rows, names=["mismatch_class", "field"])
    )


_PLACED = ("missing_registration", "should_be_registered", "should_be_deregistered", "duplicate", "wrong_address")

#: class, field, person, register; empty where the class does not say
Key = tuple[str, str, int, str]


def _absences(rows: pd.DataFrame) -> set[Key]:
    """Who is missing in a register, and who stands twice in one."""
    expected: set[Key] = set()
    for person, registers in rows.groupby("person")["register"].agg(set).items():
        if "police" in registers:
            gone = set(REGISTERS) - registers
            expected |= {("missing_registration", "", int(str(person)), register) for register in gone}
        else:
            expected.add(("should_be_registered", "", int(str(person)), "police"))
    twice = rows[rows["second"]]
    return expected | {("duplicate", "", int(p), r) for p, r in zip(twice["person"], twice["register"], strict=True)}


def _departures(rows: pd.DataFrame) -> set[Key]:
    """Of people who have left by one register: where they are on the list still, and where they stand twice on it."""
    still = rows[~rows["left"]]
    expected = {
        ("should_be_deregistered", "", int(p), r) for p, r in zip(still["person"], still["register"], strict=True)
    }
    twice = still[still["second"]]
    return expected | {("duplicate", "", int(p), r) for p, r in zip(twice["person"], twice["register"], strict=True)}


def _nowhere(rows: pd.DataFrame) -> set[Key]:
    """Whose address is none, and in which register."""
    wrong = rows[rows["wrong_address"]]
    return {("wrong_address", "", int(p), r) for p, r in zip(wrong["person"], wrong["register"], strict=True)}


def _differences(rows: pd.DataFrame) -> set[Key]:
    """Who moved, and what of a person the registers say differently."""
    pairs = rows.merge(rows, on="person", suffixes=("", "_other"))
    pairs = pairs[pairs["register"].ne(pairs["register_other"])]
    known = pairs["address_id"].notna() & pairs["address_id_other"].notna()
    moved = pairs[known & pairs["moved"] & ~pairs["moved_other"]]
    expected = {("person_dwelling", "", int(person), "") for person in moved["person"]}
    in_police = pairs["person"].isin(rows.loc[rows["register"].eq("police"), "person"])
    compared = pairs[pairs["register"].eq("police") | ~in_police]
    for field in ("name", "id_number", "phone"):
        other = compared[f"{field}_other"]
        apart = compared[compared[field].notna() & other.notna() & compared[field].ne(other)]
        expected |= {("attribute_conflict", field, int(person), "") for person in apart["person"]}
    return expected


def _found_mismatches(made: ThreeRegisters, found: pd.DataFrame) -> set[Key]:
    """Each mismatch as said of the person whose record it shows first (a wrong link may show two people's)."""
    ids = found[[f"{register}_record_id" for register in REGISTERS]].bfill(axis=1).iloc[:, 0].astype("int64")
    person = made.truth["person"].loc[ids].to_numpy()
    placed = found["mismatch_class"].isin(_PLACED)
    register = found["at_register"].where(placed, "")
    return {
        (str(kind), str(field), int(who), str(where))
        for kind, field, who, where in zip(found["mismatch_class"], found["field"], person, register, strict=True)
    }
