"""Three registers of the same people that disagree in known places, and the mismatches that a reconciliation found.

Every planted disagreement has one class and the people concerned; the rate varies from place to place, so that a map of
mismatches shows where the books are kept badly.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_service.demo.curves import stream
from gis_service.demo.land import Land
from gis_service.demo.people import birth_days, days_before, home_counties, identity_numbers, names, phones
from gis_service.demo.plan import DistrictPlan

REGISTERS = ("police", "village", "grid")
REGISTER_COLUMNS = ["source_key", "name", "id_number", "phone", "address_text", "address_code", "arrived_on", "left_on"]
PLANTED = {
    # what was planted: share of all planted, class that a reconciliation should give, registers that disagree
    "missing_in_village": (0.17, "missing_registration", "police+village"),
    "missing_in_grid": (0.15, "missing_registration", "police+grid"),
    "missing_in_police": (0.15, "should_be_registered", "police+village+grid"),
    "left_unnoticed": (0.17, "should_be_deregistered", "police+village+grid"),
    "moved": (0.11, "person_dwelling", "police+village"),
    "twice_in_village": (0.08, "duplicate", "village"),
    "wrong_address": (0.06, "wrong_address", "police+grid"),
    "mistyped_id_number": (0.06, "attribute_conflict", "police+grid"),
    "variant_name": (0.05, "attribute_conflict", "police+village"),
}
_BASE_RATE, _WORST_RATE, _BAD_PLACES = 0.022, 0.13, 4
_FOUND_SHARE = 0.85
_VARIANT_TEXT_SHARE = 0.30
_VARIANT_CHARACTERS = dict(zip("刘张陈杨国军华伟丽红晓小明兰平建强", "劉張陳楊國軍華偉麗紅小晓铭蓝萍健彊", strict=True))
_STATES = ["open", "confirmed", "corrected_police", "corrected_village", "corrected_grid", "rejected"]
_EVIDENCE = {
    "missing_in_village": "公安在册，村社底册无此人",
    "missing_in_grid": "公安在册，网格名单无此人",
    "missing_in_police": "村社与网格均有，公安未登记",
    "left_unnoticed": "村社与网格记载已离开，公安未注销",
    "moved": "村社记载居住于另一地址",
    "twice_in_village": "村社底册同一证件号两条",
    "wrong_address": "网格地址无此门牌",
    "mistyped_id_number": "网格证件号校验位不符，姓名电话相同",
    "variant_name": "证件号相同，姓名用字不同",
}


@dataclass(frozen=True)
class Registers:
    """``registers``: name to frame; ``mismatches``: import frame; ``truth``: every planted disagreement.

    ``truth`` has planted, mismatch_class, registers, address_code, person (source_key of the registration, or of the
    extra person), other_address_code, in_registers (written out), mismatch_key (empty when no reconciliation found it).
    ``unreconciled``: code of the village of which ``mismatches`` says nothing: it reconciles with the service itself.
    """

    registers: dict[str, pd.DataFrame]
    mismatches: pd.DataFrame
    truth: pd.DataFrame
    unreconciled: str


def disagree(
    plan: DistrictPlan, land: Land, addresses: pd.DataFrame, registrations: pd.DataFrame, seed: int
) -> Registers:
    """Plant disagreements over the whole district and write out the registers of one township."""
    rng = stream(seed, "registers")
    place = addresses.set_index("code")["compound"]
    people = registrations[registrations["deregistered_on"].isna()].drop(
        columns=["deregistered_on", "deregistration_reason"]
    )
    people = people.assign(compound=place.reindex(people["address_code"]).to_numpy()).reset_index(drop=True)
    rate = mismatch_rates(land, rng)
    hit = np.flatnonzero(rng.random(len(people)) < rate[people["compound"]])
    kinds, shares = list(PLANTED), np.array([share for share, _, _ in PLANTED.values()])
    kind = np.array(kinds, dtype=object)[rng.choice(len(kinds), len(hit), p=shares / shares.sum())]
    people["planted"] = ""
    people.loc[hit, "planted"] = kind
    no_variant = (people["planted"] == "variant_name") & ~people["name"].str.contains(
        f"[{''.join(_VARIANT_CHARACTERS)}]"
    )
    people.loc[no_variant, "planted"] = "mistyped_id_number"
    extra = people["planted"] == "missing_in_police"
    people = _replace_with_strangers(plan, people, extra.to_numpy(), rng)
    people["other_address_code"] = ""
    astray = (people["planted"] == "moved").to_numpy()
    people.loc[astray, "other_address_code"] = _other_addresses(people, astray, addresses, rng)
    scope = [t.name for t in plan.townships].index(plan.registers_township)
    inside = land.compounds["township_no"].to_numpy()[people["compound"]] == scope
    truth = _truth(people, inside)
    villages = land.compounds["village_code"].to_numpy()[people["compound"]]
    unreconciled = str(villages[inside].min())
    mismatches = _found(plan, truth[villages[people["planted"].ne("")] != unreconciled], rng)
    truth["mismatch_key"] = mismatches.set_index("person")["source_key"].reindex(truth["person"]).fillna("").to_numpy()
    text = addresses.set_index("code")["text"]
    registers = _write_out(plan, people[inside].reset_index(drop=True), text, rng)
    return Registers(registers, mismatches.drop(columns="person"), truth, unreconciled)


def mismatch_rates(land: Land, rng: np.random.Generator) -> NDArray[np.float64]:
    """Share of people whose registers disagree, per compound: low, with a few badly kept neighbourhoods."""
    cores = land.compounds[["core_x", "core_y"]].to_numpy()
    extent = max(float(np.ptp(cores, axis=0).max()), 1.0)
    rate = np.full(len(cores), _BASE_RATE)
    for centre in cores[rng.choice(len(cores), min(_BAD_PLACES, len(cores)), replace=False)]:
        away = np.hypot(*(cores - centre).T) / (extent * rng.uniform(0.03, 0.06))
        rate = np.maximum(rate, _WORST_RATE * np.exp(-(away**2) / 2))
    return rate * rng.lognormal(0, 0.18, len(cores))


def _replace_with_strangers(
    plan: DistrictPlan, people: pd.DataFrame, extra: NDArray[np.bool_], rng: np.random.Generator
) -> pd.DataFrame:
    """People whom the police do not know are new people, living where somebody registered lives; nobody is dropped."""
    count = int(extra.sum())
    today = np.datetime64(plan.today)
    strangers = people[extra].assign(
        source_key=[f"X{n:06d}" for n in range(1, count + 1)],
        name=names(count, rng),
        id_number=identity_numbers(home_counties(count, rng) + 5_000, birth_days(count, rng, today, 31, 9), rng),
        phone=phones(count, rng),
        registered_on=days_before(today, rng.uniform(10, 200, count)),
    )
    known = people.copy()
    known.loc[extra, "planted"] = ""
    return pd.concat([known, strangers], ignore_index=True)


def _other_addresses(
    people: pd.DataFrame, astray: NDArray[np.bool_], addresses: pd.DataFrame, rng: np.random.Generator
) -> NDArray[np.object_]:
    """Another standard address in the same compound for each of the people ``astray``."""
    decided = addresses[(addresses["compound"] >= 0) & addresses["planted"].isna()].sort_values(
        "compound", kind="stable"
    )
    start = np.searchsorted(decided["compound"], people.loc[astray, "compound"], side="left")
    stop = np.searchsorted(decided["compound"], people.loc[astray, "compound"], side="right")
    pick = start + rng.integers(0, 1 << 30, len(start)) % (stop - start)
    codes = decided["code"].to_numpy(dtype=object)
    same = codes[pick] == people.loc[astray, "address_code"].to_numpy()
    result: NDArray[np.object_] = codes[np.where(same, start + (pick - start + 1) % (stop - start), pick)]
    return result


def _truth(people: pd.DataFrame, inside: NDArray[np.bool_]) -> pd.DataFrame:
    hit = people["planted"] != ""
    planted = people.loc[hit, "planted"]
    return pd.DataFrame(
        {
            "planted": planted.to_numpy(),
            "mismatch_class": planted.map({k: v[1] for k, v in PLANTED.items()}).to_numpy(),
            "registers": planted.map({k: v[2] for k, v in PLANTED.items()}).to_numpy(),
            "address_code": people.loc[hit, "address_code"].to_numpy(),
            "person": people.loc[hit, "source_key"].to_numpy(),
            "other_address_code": people.loc[hit, "other_address_code"].to_numpy(),
            "in_registers": inside[hit.to_numpy()],
        }
    )


def _found(plan: DistrictPlan, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What a reconciliation found of the truth: most of it, in the current quarter."""
    found = truth[rng.random(len(truth)) < _FOUND_SHARE]
    today = np.datetime64(plan.today)
    count = len(found)
    return pd.DataFrame(
        {
            "source_key": [f"M{n:06d}" for n in range(1, count + 1)],
            "mismatch_class": found["mismatch_class"].to_numpy(),
            "address_code": found["address_code"].to_numpy(),
            "found_on": days_before(today, rng.uniform(0, 52, count)),
            "state": rng.choice(_STATES, count, p=[0.56, 0.2, 0.08, 0.07, 0.05, 0.04]),
            "registers": found["registers"].to_numpy(),
            "evidence": found["planted"].map(_EVIDENCE).to_numpy(),
            "person": found["person"].to_numpy(),
        }
    )


def _write_out(
    plan: DistrictPlan, people: pd.DataFrame, text: pd.Series, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Rows of the three registers for the people of one township, each sorted by its own keys."""
    planted, town = people["planted"], plan.address_prefix + plan.registers_township
    today = np.datetime64(plan.today)
    left = days_before(today, rng.uniform(15, 120, len(people)))
    left = np.maximum(left, people["registered_on"].to_numpy().astype("datetime64[D]"))
    absent = {"police": ["missing_in_police"], "village": ["missing_in_village"], "grid": ["missing_in_grid"]}
    frames = {}
    for register in REGISTERS:
        rows = people.assign(left_on=np.datetime64("NaT"), person=people["source_key"])
        if register != "police":
            rows["left_on"] = np.where(planted == "left_unnoticed", left, np.datetime64("NaT"))
        if register == "village":
            moved, varied = planted == "moved", planted == "variant_name"
            rows.loc[moved, "address_code"] = rows.loc[moved, "other_address_code"]
            rows.loc[varied, "name"] = [_vary(name) for name in rows.loc[varied, "name"]]
            rows = pd.concat([rows, rows[planted == "twice_in_village"]], ignore_index=True)
        if register == "grid":
            mistyped = planted == "mistyped_id_number"
            rows.loc[mistyped, "id_number"] = _mistype(rows.loc[mistyped, "id_number"], rng)
        rows = rows[~rows["planted"].isin(absent[register])]
        frames[register] = _register_columns(register, town, rows, text, rng)
    return frames


def _register_columns(
    register: str, town: str, rows: pd.DataFrame, text: pd.Series, rng: np.random.Generator
) -> pd.DataFrame:
    """The columns of one register: own keys, own habits of writing addresses; only the police know address codes."""
    written = text.reindex(rows["address_code"]).astype(object).to_numpy().copy()
    if register == "grid":
        nowhere = (rows["planted"] == "wrong_address").to_numpy()
        written[nowhere] = [f"{town}无名路{9000 + n}号" for n in range(int(nowhere.sum()))]
    if register != "police":
        varied = np.flatnonzero(rng.random(len(rows)) < _VARIANT_TEXT_SHARE)
        form = rng.integers(len(_TEXT_VARIANTS), size=len(varied))
        written[varied] = [_TEXT_VARIANTS[f](address) for f, address in zip(form, written[varied], strict=True)]
    frame = pd.DataFrame(
        {
            "name": rows["name"].to_numpy(),
            "id_number": rows["id_number"].to_numpy(),
            "phone": rows["phone"].to_numpy(),
            "address_text": written,
            "address_code": rows["address_code"].to_numpy() if register == "police" else "",
            "arrived_on": rows["registered_on"].to_numpy(),
            "left_on": rows["left_on"].to_numpy(),
            "person": rows["person"].to_numpy(),
        }
    )
    order = rng.permutation(len(frame)) if register != "police" else np.arange(len(frame))
    frame = frame.iloc[order].reset_index(drop=True)
    keys = (
        frame["person"] if register == "police" else [f"{register[0].upper()}{n:06d}" for n in range(1, len(frame) + 1)]
    )
    frame.insert(0, "source_key", keys)
    return frame


_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_TEXT_VARIANTS = (
    lambda text: text.partition("市")[2],
    lambda text: text.partition("区")[2],
    lambda text: text.translate(_FULL_WIDTH),
    lambda text: (
        text.replace("单元", "-").replace("幢", "-").replace("室", "") if "单元" in text else text.partition("市")[2]
    ),
    lambda text: text.replace("幢", "号楼"),
)


def _vary(name: str) -> str:
    """Return the name with its first character that has another form written in that form."""
    character = next(c for c in name if c in _VARIANT_CHARACTERS)
    return name.replace(character, _VARIANT_CHARACTERS[character], 1)


def _mistype(numbers: pd.Series, rng: np.random.Generator) -> list[str]:
    """Numbers with one digit of the sequence wrong, so that the check digit no longer holds."""
    place = rng.integers(10, 17, len(numbers))
    step = rng.integers(1, 10, len(numbers))
    return [
        f"{number[:p]}{(int(number[p]) + s) % 10}{number[p + 1 :]}"
        for number, p, s in zip(numbers, place.tolist(), step.tolist(), strict=True)
    ]
