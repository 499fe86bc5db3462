"""Linkage on generated registers: precision and recall of every class of what is wrong in them."""

import pandas as pd
import pytest

from gis_service.demo.three_registers import ThreeRegisters, three_registers
from layers.linkage import Linkage, link
from layers.reconciliation import classify
from tests.linkage_figures import class_figures, precision_recall

PERSONS, VILLAGES, SEED = 12_000, 12, 11


@pytest.fixture(scope="module")
def made() -> ThreeRegisters:
    return three_registers(PERSONS, VILLAGES, SEED)


@pytest.fixture(scope="module")
def linkage(made: ThreeRegisters) -> Linkage:
    return link(made.people)


@pytest.mark.slow
@pytest.mark.parametrize(("both_numbered", "precision", "recall"), [(True, 0.995, 0.98), (False, 0.98, 0.95)])
def test_links_of_every_class_are_right_and_found(
    made: ThreeRegisters,
    linkage: Linkage,
    both_numbered: bool,
    precision: float,
    recall: float,
) -> None:
    figures = precision_recall(made, linkage.persons["person_id"]).xs(both_numbered)
    assert (figures["true_pairs"] > 100).all()
    overall = figures.loc["all"]
    assert overall["precision"] >= precision
    assert overall["recall"] >= recall
    # a class has a few hundred pairs: one of them more or less is no failure of the method
    short = figures[(figures["precision"] < precision - 0.005) | (figures["recall"] < recall - 0.01)]
    assert short.empty, short.to_string()


@pytest.mark.slow
def test_nobody_is_linked_to_two_and_every_second_record_is_named(made: ThreeRegisters, linkage: Linkage) -> None:
    mains = linkage.persons[linkage.persons["main"]].join(made.people["register"])
    assert not mains.duplicated(["person_id", "register"]).any()
    seconds = linkage.persons.index[~linkage.persons["main"]]
    named = pd.concat([linkage.duplicates["left_id"], linkage.duplicates["right_id"]])
    assert seconds.isin(named).all()


#: at least so much of each class (precision, recall)
LEAST = {
    ("attribute_conflict", "id_number"): (0.995, 0.98),
    ("attribute_conflict", "name"): (0.99, 0.95),
    ("attribute_conflict", "phone"): (0.99, 0.95),
    ("duplicate", ""): (0.99, 0.98),
    ("missing_registration", ""): (0.96, 0.99),
    ("person_dwelling", ""): (0.95, 0.97),
    ("should_be_deregistered", ""): (0.99, 0.99),
    ("should_be_registered", ""): (0.90, 0.99),
    ("wrong_address", ""): (0.99, 0.99),
}


@pytest.mark.slow
def test_the_mismatches_of_every_class_are_right_and_found(made: ThreeRegisters, linkage: Linkage) -> None:
    found = classify(made.people, linkage, as_of=pd.Timestamp(2026, 11, 22))
    figures = class_figures(made, found)
    assert set(figures.index) == set(LEAST)
    assert (figures["true"] > 100).all()
    least = pd.DataFrame.from_dict(LEAST, orient="index", columns=["precision", "recall"]).set_axis(
        pd.MultiIndex.from_tuples(LEAST)
    )
    short = figures[(figures[["precision", "recall"]] < least.reindex(figures.index)).any(axis=1)]
    assert short.empty, short.to_string()
