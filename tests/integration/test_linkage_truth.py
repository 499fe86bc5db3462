"""Linkage on generated registers: precision and recall of every class of what is wrong in them."""

import pandas as pd
import pytest

from gis_service.demo.three_registers import ThreeRegisters, three_registers
from layers.frames import REGISTERS
from layers.linkage import Linkage, link
from layers.reconciliation import classify
from tests.linkage_figures import precision_recall

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


@pytest.mark.slow
def test_who_was_planted_missing_is_reported_in_that_register(made: ThreeRegisters, linkage: Linkage) -> None:
    people, truth = made.people, made.truth
    found = classify(people, linkage, as_of=pd.Timestamp(2026, 11, 22))
    found = found[found["mismatch_class"].isin(["missing_registration", "should_be_registered"])]
    record = found[[f"{register}_record_id" for register in REGISTERS]].bfill(axis=1).iloc[:, 0].astype("int64")
    reported = set(zip(truth["person"].loc[record].tolist(), found["at_register"], strict=True))
    present = truth.join(people["register"]).groupby("person")["register"].agg(set)
    expected = {
        (person, register)
        for person, registers in present.items()
        for register in (set(REGISTERS) - registers if "police" in registers else {"police"})
    }
    assert len(reported & expected) / len(reported) >= 0.90
    assert len(reported & expected) / len(expected) >= 0.99
