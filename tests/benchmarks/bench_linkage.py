"""Who is who beside Splink: `python -m tests.benchmarks.bench_linkage [--quick] [--out FILE]`.

Both get the same generated registers and run in processes of their own, so that the peak of memory is each one's.
"""

import argparse
import multiprocessing as mp
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from gis_service.demo.three_registers import ThreeRegisters, three_registers
from layers._linkage_fields import encode
from layers._linkage_names import normalise_names
from layers.frames import check_people
from layers.linkage import link
from layers.reconciliation import classify
from tests.linkage_figures import class_figures, precision_recall

SEED = 5
INTRODUCTION = (
    "Written by `python -m tests.benchmarks.bench_linkage --out docs/benchmarks/linkage.md`. Three registers of one",
    "invented population. In one of them a tenth of the people are missing; a tenth have moved, are written twice,",
    "have a mistyped identity number, a variant name, a variant address, an address that is none;",
    "of a tenth it alone knows that they have left: each independently.",
    "The village lacks 35 % of identity numbers, the grid workers 50 %.",
    "A pair is of a class when either record is wrong in that way. Splink gets the same prepared columns and blocks;",
    "what it is not told is that a register should hold a person once.",
)
OF_CLASSES = (
    "What there truly is follows from who wrote the records (`tests.linkage_figures.class_figures`): who is missing",
    "in a register, stands twice in one, has left by one and is on the list of another (应销未销), has an address that",
    "is none (地址错误; also where the room is left out), has moved, or has another name, number or phone with the",
    "police. Whoever has left is to be deregistered and nothing else. Whoever is not linked counts twice: as missing",
    "here and as not registered there.",
)
THRESHOLD = 0.9


def ours(people: pd.DataFrame) -> pd.Series:
    persons: pd.Series = link(people).persons["person_id"]
    return persons


def with_splink(people: pd.DataFrame) -> pd.Series:
    """Splink 5 as its guide has it: u by random sampling, m by expectation–maximisation, clusters above a threshold.

    It gets what we get: names normalised, keys of their sounds, whether a check digit holds, doors as codes.
    """
    import duckdb
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    people = check_people(people).sort_index()
    records = encode(people)
    door = pd.Series(records.plate.astype(str)).where(records.plate >= 0, None)
    frame = pd.DataFrame(
        {
            "unique_id": people.index,
            "register": people["register"].to_numpy(dtype=object),
            "name": normalise_names(people["name"]).to_numpy(dtype=object),
            "sounds": records.names.sound_keys[records.name],
            "surname": records.names.sounds[:, 0][records.name].astype(np.int64),
            "id_number": people["id_number"].astype(object).where(people["id_number"].notna(), None).to_numpy(),
            "sound_id": people["id_number"].astype(object).where(records.id_holds, None).to_numpy(),
            "phone": people["phone"].astype(object).where(people["phone"].notna(), None).to_numpy(),
            "birth_year": pd.Series(records.birth_year).where(records.birth_year >= 0).astype("Int64").to_numpy(),
            "door": [
                f"{a}/{b}/{c}" if a else None for a, b, c in zip(door, records.compound, records.road, strict=True)
            ],
            "house": records.house,
            "village": records.village,
        }
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.CustomComparison(
                output_column_name="name",
                comparison_levels=[
                    cll.NullLevel("name"),
                    cll.ExactMatchLevel("name", term_frequency_adjustments=True),
                    cll.ExactMatchLevel("sounds"),
                    cll.LevenshteinLevel("name", 1),
                    cll.ElseLevel(),
                ],
            ),
            cl.CustomComparison(
                output_column_name="id_number",
                comparison_levels=[
                    cll.NullLevel("id_number"),
                    cll.ExactMatchLevel("id_number"),
                    cll.CustomLevel("sound_id_l <> sound_id_r", "two sound numbers"),
                    cll.LevenshteinLevel("id_number", 2),
                    cll.ElseLevel(),
                ],
            ),
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            cl.CustomComparison(
                output_column_name="birth_year",
                comparison_levels=[
                    cll.NullLevel("birth_year"),
                    cll.ExactMatchLevel("birth_year"),
                    cll.CustomLevel("abs(birth_year_l - birth_year_r) = 1", "a year apart"),
                    cll.ElseLevel(),
                ],
            ),
            cl.CustomComparison(
                output_column_name="door",
                comparison_levels=[
                    cll.NullLevel("door"),
                    cll.ExactMatchLevel("door"),
                    cll.ExactMatchLevel("house"),
                    cll.ExactMatchLevel("village"),
                    cll.ElseLevel(),
                ],
            ),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("id_number"),
            block_on("phone"),
            block_on("village", "sounds"),
            block_on("name", "birth_year"),
            block_on("door", "birth_year"),
            block_on("door", "surname"),
        ],
        retain_matching_columns=False,
    )
    database = DuckDBAPI(connection=duckdb.connect(config={"threads": 2}))
    linker = Linker(database.register(frame), settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("sound_id"), block_on("phone", "name")], recall=0.8
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("sound_id"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("name", "phone"))
    predicted = linker.inference.predict(threshold_match_probability=THRESHOLD)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predicted, threshold_match_probability=THRESHOLD
    ).as_pandas_dataframe()
    persons: pd.Series = clusters.set_index("unique_id")["cluster_id"].reindex(people.index)
    return persons


def measured(work: Callable[[pd.DataFrame], pd.Series], people: pd.DataFrame) -> tuple[pd.Series, float, float, float]:
    """Persons, seconds, processor seconds and peak of memory (GB) of work in a process of its own."""
    receiver, sender = mp.get_context("spawn").Pipe(duplex=False)
    process = mp.get_context("spawn").Process(target=_measure, args=(work, people, sender))
    process.start()
    try:
        persons, seconds, processor, peak_gb = receiver.recv()
    finally:
        process.join()
    return persons, seconds, processor, peak_gb


def _measure(work: Callable[[pd.DataFrame], pd.Series], people: pd.DataFrame, sender: object) -> None:
    work(people.iloc[:3_000]) if work is ours else None  # machine code and dictionaries are loaded once a process
    started, processor = time.perf_counter(), time.process_time()
    persons = work(people)
    took = (time.perf_counter() - started, time.process_time() - processor)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sender.send((persons, *took, peak_gb))  # type: ignore[attr-defined]  # a Connection, which has no public name


def tables(made: ThreeRegisters) -> list[str]:
    rows = len(made.people)
    lines = [f"## {rows:,} records of three registers", ""]
    lines += ["| who | s | processor s | peak GB |", "|---|---|---|---|"]
    figures = {}
    for who, work in {"ours": ours, "Splink 5 (DuckDB)": with_splink}.items():
        persons, seconds, processor, peak_gb = measured(work, made.people)
        figures[who] = precision_recall(made, persons)
        lines.append(f"| {who} | {seconds:.1f} | {processor:.1f} | {peak_gb:.2f} |")
    mine, peer = figures.values()
    lines += [
        "",
        "| identity number in both | planted | pairs | ours: precision | recall | Splink: precision | recall |",
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for numbered, planted in mine.index.tolist():
        row, other = mine.loc[(numbered, planted)], peer.loc[(numbered, planted)]
        cells = [f"{row.precision:.4f}", f"{row.recall:.4f}", f"{other.precision:.4f}", f"{other.recall:.4f}"]
        lines.append(f"| {'yes' if numbered else 'no'} | {planted} | {row.true_pairs:,.0f} | {' | '.join(cells)} |")
    return [*lines, ""]


def class_table(made: ThreeRegisters) -> list[str]:
    """What becomes of the links: the mismatches of every class beside what there truly is."""
    found = classify(made.people, link(made.people), as_of=pd.Timestamp(2026, 11, 22))
    lines = ["## Mismatches of every class", "", *OF_CLASSES, ""]
    lines += ["| class | field | there are | found | precision | recall |", "|---|---|---|---|---|---|"]
    figures = class_figures(made, found)
    for kind, field in figures.index.tolist():
        row = figures.loc[(kind, field)]
        cells = [f"{row.true:,.0f}", f"{row.found:,.0f}", f"{row.precision:.4f}", f"{row.recall:.4f}"]
        lines.append(f"| {kind} | {field or '–'} | {' | '.join(cells)} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 x 12,000 records in the place of 3 x 120,000")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    parser.add_argument("--classes-only", action="store_true", help="only the mismatches of every class: no peer")
    options = parser.parse_args()
    persons, villages = (12_000, 12) if options.quick else (120_000, 100)
    load = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began."
    lines = ["# Who is who: measured", "", *INTRODUCTION, load, ""]
    made = three_registers(persons, villages, SEED)
    lines += [*([] if options.classes_only else tables(made)), *class_table(made)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.out is not None:
        options.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
