"""Every number of policy and every place outside the process: one class, read from the environment (`GIS_`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one deployment; handed in, never imported by `layers` or `maps`."""

    model_config = SettingsConfigDict(env_prefix="GIS_", env_file=None, frozen=True, extra="forbid")

    # where things are
    data_dir: Path = Field(Path("var"), description="Folder of the embedded database, the key file and uploads.")
    database_url: str | None = Field(
        None,
        description="SQLAlchemy URL; empty means SpatiaLite in `data_dir`/grid.sqlite. PostGIS: postgresql+psycopg://…",
    )
    database_role: str = Field(
        "gis_fenced",
        description="PostGIS: the role that scoped sessions take, kept to their rows by row-level security;"
        " empty means none.",
    )
    spatialite_path: str = Field("mod_spatialite", description="Name or path of the SpatiaLite extension.")

    # the place
    metric_crs: str = Field(
        "EPSG:4549", description="CRS for every measurement, in metres (a Gauss-Kruger zone). Keelung: EPSG:3826."
    )
    district_name: str = Field("", description="Shown in page titles; empty means the name of the district area.")

    # the standard (domain.md, Coverage)
    persons_per_officer: int = Field(800, gt=0, description="Standard: registered migrants per full-time officer.")
    social_work_share: float = Field(0.30, ge=0, le=1, description="Share of posts on the township social-work side.")
    load_class_edges: tuple[float, ...] = Field(
        (600, 800, 1000, 1300), description="Upper edges of the map classes of load, persons per officer."
    )

    # difficulty (domain.md, Difficulty)
    difficulty_weights: dict[str, float] = Field(
        dict.fromkeys(
            (
                "load",
                "churn",
                "group_rental_share",
                "high_risk_rental_share",
                "mismatch_rate",
                "public_order_cases",
                "staff_weakness",
            ),
            1.0,
        ),
        description="Weight of each factor of difficulty, 0 or more (JSON); equal by default.",
    )
    difficulty_method: Literal["rank", "minmax"] = Field(
        "rank", description="Standing of an area in a factor: by rank among its level, or between least and greatest."
    )
    difficulty_multiplier_low: float = Field(1.0, gt=0, description="What demand is multiplied by at difficulty 0.")
    difficulty_multiplier_high: float = Field(1.5, gt=0, description="What demand is multiplied by at difficulty 100.")

    # topology tolerances (domain.md, Areas)
    sliver_area_m2: float = Field(1.0, ge=0, description="Overlaps and gaps below this are counted as slivers, m².")
    overlap_alarm_m2: float = Field(3.0, ge=0, description="A sibling overlap above this is an alarm, m².")
    gap_alarm_m2: float = Field(3.0, ge=0, description="A gap between siblings larger than this is an alarm, m².")
    outside_alarm_m2: float = Field(
        3.0, ge=0, description="A child outside its parent by more than this is an alarm, m²."
    )
    min_part_m2: float = Field(100.0, ge=0, description="A part of an area smaller than this is tiny, m².")

    # repairs of borders
    repair_overlap_rule: Literal["longest_border", "larger", "smaller", "earlier_code"] = Field(
        "longest_border",
        description="Which of two overlapping areas keeps the ground, where neither parents nor children decide it.",
    )
    repair_parents: Literal["keep", "follow"] = Field(
        "keep",
        description="Children are fitted into their parents (keep), or parents drawn as their children (follow).",
    )

    # addresses in doubt
    doubt_far_m: float = Field(
        1000.0, gt=0, description="An address that lies further from the others of its road is in doubt, m."
    )

    # layers of areas delivered anew
    reimport_same_border_m: float = Field(
        0.02, ge=0, description="Borders nowhere further apart are the same: coordinates that were rounded, m."
    )
    reimport_overlap_share: float = Field(
        0.8, gt=0, le=1, description="Common ground over the ground of both, from which areas of two codes are one."
    )
    reimport_heir_share: float = Field(
        0.1, gt=0, le=1, description="Share of the ground of an area that is no more, from which another is its heir."
    )
    reimport_correction_share: float = Field(
        0.01, ge=0, le=1, description="A border that differs by less of the area is taken for a correction."
    )

    # rates
    rate_per: float = Field(1000, gt=0, description="Registered migrants that a mismatch rate is given for.")
    rate_confidence: float = Field(0.95, gt=0, lt=1, description="Confidence of the interval of a rate.")

    # hotspots
    hotspot_permutations: int = Field(99_999, ge=99, description="Permutations of the Gi* inference.")
    hotspot_seed: int = Field(20231, description="Seed of the permutations: the same data give the same map.")
    border_gap_m: float = Field(
        0.5, ge=0, description="Borders this close count as shared (real tilings have slivers), m."
    )
    border_min_m: float = Field(5.0, gt=0, description="Least length of a shared border between neighbours, m.")
    islands_nearest: int = Field(1, ge=0, description="How many nearest areas an area without neighbours is joined to.")
    hexagon_size_m: float = Field(250.0, gt=0, description="Centre to corner of a hexagon of the grid, m.")

    # what an officer costs (domain.md, Officers)
    pay_transitioned_yuan: int = Field(80_000, ge=0, description="Yearly pay of a transitioned officer, yuan.")
    pay_not_transitioned_yuan: int = Field(50_000, ge=0, description="Yearly pay of one not transitioned, yuan.")
    bonus_not_transitioned_yuan: int = Field(
        6_000, ge=0, description="Yearly performance bonus of one not transitioned, yuan."
    )
    leader_allowance_yuan: dict[str, int] = Field(
        {"district": 12_000, "township": 9_000, "village": 6_000, "compound": 3_000},
        description="Yearly allowance of a leader's post by the level of the unit's area, yuan (JSON).",
    )

    # computations outside the web process
    job_workers: int = Field(1, gt=0, description="Computations that one worker process runs at a time.")
    job_lost_after_s: float = Field(
        60.0, gt=0, description="A running computation of which nothing was heard for so long begins anew, s."
    )

    # small numbers
    suppress_below: int = Field(5, ge=0, description="Counts below this do not leave a township's own view.")

    # group rental (domain.md, Rentals)
    group_rental_min_area_m2: float = Field(
        4.0, description="Usable area per person below which group rental is suspected, m²."
    )
    group_rental_max_persons_per_room: float = Field(
        2.0, description="Persons per room above which group rental is suspected."
    )
    group_rental_rooms: int = Field(10, description="Rooms from which group rental is suspected.")
    group_rental_beds: int = Field(10, description="Beds from which group rental is suspected.")

    # inspections of rentals (domain.md, Population, rentals, visits)
    inspection_due_days_green: int = Field(21, gt=0, description="Days between inspections of a green rental.")
    inspection_due_days_yellow: int = Field(14, gt=0, description="Days between inspections of a yellow rental.")
    inspection_due_days_orange: int = Field(7, gt=0, description="Days between inspections of an orange rental.")
    inspection_due_days_red: int = Field(7, gt=0, description="Days between inspections of a red rental.")
    rectification_due_days: int = Field(
        15, gt=0, description="Days to put right what an inspection found, where it names no other day."
    )

    # mismatches between the registers
    mismatch_due_days: int = Field(30, gt=0, description="Days to settle a mismatch after it was found.")
    attachment_max_bytes: int = Field(5 * 2**20, gt=0, description="Largest file attached to a mismatch, bytes.")

    # fieldwork
    new_arrival_days: int = Field(30, gt=0, description="Days that somebody newly registered counts as a new arrival.")
    new_arrival_working_days: int = Field(3, gt=0, description="Working days within which a new arrival is visited.")
    mismatch_visit_days: int = Field(7, gt=0, description="Days within which an officer looks at a mismatch.")
    worklist_addresses: int = Field(30, gt=0, le=500, description="Addresses on an officer's list of one day.")
    visit_late_days: int = Field(14, gt=0, description="A visit is accepted so many days late.")
    visit_clock_minutes: int = Field(10, ge=0, description="How far ahead the clock of a device may be, minutes.")
    offline_hours: int = Field(24, gt=0, description="A device forgets what it took along after so many hours.")
    assignment_news_days: int = Field(30, gt=0, description="A beat or compound is new for so many days.")

    # registrations
    registration_valid_days: int = Field(
        365, gt=0, description="Days that a registration or its renewal covers; then it is due for renewal."
    )

    # what calls for attention (domain.md, Officer duties)
    alert_coverage_below: float = Field(0.75, ge=0, description="Coverage of a village below which it is an alert.")
    alert_overdue_least: int = Field(
        10, ge=1, description="Overdue inspections of a village from which it is an alert."
    )
    alert_jump_ratio: float = Field(
        2.0, gt=1, description="Registrations of a week against the weekly mean of eight, above which it is an alert."
    )
    alert_jump_least: int = Field(20, ge=1, description="Registrations of a week from which a jump is an alert.")

    # uploads
    upload_max_bytes: int = Field(256 * 2**20, gt=0, description="Largest upload, bytes.")
    upload_max_unzip_ratio: float = Field(100.0, gt=1, description="Largest ratio of unpacked to packed size.")
    upload_max_vertices: int = Field(5_000_000, gt=0, description="Most vertices in one file.")
    upload_max_ring_vertices: int = Field(200_000, gt=0, description="Most vertices in one ring.")
    upload_max_json_depth: int = Field(64, gt=0, description="Deepest nesting of a JSON document.")
    upload_cpu_s: int = Field(300, gt=0, description="CPU seconds that the reading of one file may take.")
    upload_wall_s: int = Field(600, gt=0, description="Seconds on the clock that the reading of one file may take.")
    upload_memory_bytes: int = Field(4 * 2**30, gt=0, description="Address space of the reading process, bytes.")

    # access
    second_factor_roles: tuple[
        Literal[
            "administrator", "auditor", "planner", "commander", "squad_leader", "officer", "steward", "grid_worker"
        ],
        ...,
    ] = Field(
        ("administrator", "auditor", "planner"),
        description="Roles that do nothing before they have a second factor: by default those that reach over the whole"
        " district. Whoever signs in through the identity provider only is asked there.",
    )
    locale: Literal["zh_CN", "en"] = Field(
        "zh_CN", description="Language when neither account nor browser asks for one."
    )
    key_file: Path | None = Field(None, description="File of the personal-data keys; empty means `data_dir`/keys.json.")
    keys: SecretStr | None = Field(
        None, description="The key ring itself as JSON (`gis-service keys generate`); then there is no key file."
    )
    cookie_secure: bool = Field(
        True, description="Send the session cookie over HTTPS (or localhost) only; `__Host-` prefix."
    )
    session_idle_minutes: int = Field(30, gt=0, description="A session ends after this long without a request.")
    session_absolute_hours: int = Field(12, gt=0, description="A session ends after this long in any case.")
    password_min_length: int = Field(12, ge=8, description="Shortest password accepted.")
    lockout_after: int = Field(5, gt=0, description="Wrong passwords in a row before an account waits.")
    lockout_base_seconds: int = Field(
        30, gt=0, description="First wait of a locked account; doubles with every further failure."
    )
    app_token_max_days: int = Field(365, gt=0, description="Longest life of a personal app token.")
    approval_hours: int = Field(24, gt=0, description="An approved bulk export of unmasked data must be taken within.")
    oidc_issuer: str = Field("", description="Issuer URL of an OpenID Connect provider; empty means none.")
    oidc_client_id: str = Field("", description="Client id at the OpenID Connect provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Client secret at the OpenID Connect provider.")
    oidc_redirect_url: str = Field(
        "", description="Our public URL that the provider sends people back to: https://…/api/v1/oidc/callback."
    )
    requests_per_minute: int = Field(
        600, gt=0, description="Requests per minute and account (or address when not signed in)."
    )
    audit_retention_days: int = Field(
        365, ge=183, description="Audit entries are kept at least this long (never under 6 months)."
    )

    snapshot_retention_days: int = Field(
        730, ge=183, description="Registers handed in are kept at least this long; those that a quarter stands on stay."
    )

    # maps
    base_map: Literal["none", "tiles", "wmts"] = Field("none", description="Base map: none, local tiles or a WMTS.")
    base_map_url: str = Field("", description="URL template of the base map; `{key}` is replaced by the key.")
    base_map_key: str = Field("", description="Key for the base map service, such as Tianditu.")
    base_map_attribution: str = Field("", description="Attribution of the base map.")

    # the command centre
    wall_rotate_s: int = Field(20, ge=5, description="Seconds that a view stays on a wall.")
    wall_refresh_s: int = Field(60, ge=5, description="Seconds between two looks for newer data.")

    # serving
    answers_kept_bytes: int = Field(
        128 * 2**20, ge=0, description="Memory for answers that are given again while nothing changed, bytes."
    )
    log_json: bool = Field(True, description="Structured logs as JSON lines; otherwise for a terminal.")
    page_size: int = Field(100, gt=0, le=1000, description="Rows on one page of a list when the caller names none.")

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'grid.sqlite').absolute()}"

    @property
    def keys_path(self) -> Path:
        """The key file in force."""
        return self.key_file or self.data_dir / "keys.json"
