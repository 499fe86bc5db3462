"""The lists of one village as they stood when the quarter before ended: what a first reconciliation had to do with.

They lack a few people besides, whom the lists of today have: a village that was told has put them down since.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from gis_service.demo.curves import stream
from gis_service.demo.land import Land
from gis_service.demo.plan import DistrictPlan
from gis_service.demo.registers import REGISTER_COLUMNS, Registers

HANDED_IN = ("village", "grid")
_FORGOTTEN_SHARE = 0.01


@dataclass(frozen=True)
class QuarterBefore:
    """``village_code``; ``last``, the day of the lists; ``lists``: register to frame (`REGISTER_COLUMNS`).

    ``forgotten``: register, person (source_key of the registration) whom the list lacks and that of today does not.
    """

    village_code: str
    last: date
    lists: dict[str, pd.DataFrame]
    forgotten: pd.DataFrame


def quarter_before(
    plan: DistrictPlan,
    land: Land,
    addresses: pd.DataFrame,
    registrations: pd.DataFrame,
    registers: Registers,
    seed: int,
) -> QuarterBefore:
    """Write the lists of the village whose mismatches nobody has imported (`Registers.unreconciled`)."""
    rng = stream(seed, "quarter before")
    last = _quarter_end_before(plan.today)
    then = np.datetime64(last)
    village = registers.unreconciled
    place = land.compounds["village_code"].reindex(addresses["compound"]).set_axis(addresses["code"])
    of_strangers = registers.truth.set_index("person")["address_code"]
    homes = pd.concat([registrations.set_index("source_key")["address_code"], of_strangers])
    homes = homes[~homes.index.duplicated()]
    here = set(homes.index[homes.map(place).eq(village)])
    left_since = registrations[
        registrations["source_key"].isin(here)
        & (registrations["registered_on"].to_numpy().astype("datetime64[D]") <= then)
        & (registrations["deregistered_on"].to_numpy().astype("datetime64[D]") > then)
    ]
    text = addresses.set_index("code")["text"]
    lists, forgotten = {}, []
    for register in HANDED_IN:
        today = registers.registers[register]
        known = today[today["person"].isin(here) & (today["arrived_on"].to_numpy().astype("datetime64[D]") <= then)]
        of_police = known["person"].isin(registrations["source_key"]).to_numpy()
        lacks = of_police & ~known["person"].duplicated(keep=False).to_numpy()
        lacks &= ~known["person"].isin(registers.truth["person"]).to_numpy() & (
            rng.random(len(known)) < _FORGOTTEN_SHARE
        )
        forgotten.append(pd.DataFrame({"register": register, "person": known.loc[lacks, "person"]}))
        gone = pd.DataFrame(
            {
                "source_key": [f"{register[0].upper()}9{number:05d}" for number in range(1, len(left_since) + 1)],
                "name": left_since["name"].to_numpy(),
                "id_number": left_since["id_number"].to_numpy(),
                "phone": left_since["phone"].to_numpy(),
                "address_text": text.reindex(left_since["address_code"]).to_numpy(),
                "address_code": "",
                "arrived_on": left_since["registered_on"].to_numpy(),
                "left_on": np.datetime64("NaT"),
            }
        )
        rows = pd.concat([known.loc[~lacks, REGISTER_COLUMNS], gone], ignore_index=True)
        rows["left_on"] = rows["left_on"].where(rows["left_on"].to_numpy().astype("datetime64[D]") <= then)
        lists[register] = rows
    return QuarterBefore(village, last, lists, pd.concat(forgotten, ignore_index=True))


def _quarter_end_before(day: date) -> date:
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1) - timedelta(days=1)
