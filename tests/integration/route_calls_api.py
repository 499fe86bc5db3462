"""How to call every route of the API: one entry a route (`route_calls`)."""

from __future__ import annotations

from dataclasses import replace

from gis_service.access.permissions import Role
from gis_service.areas.tables import ChangeState
from gis_service.planning.tables import ScenarioState
from gis_service.registers.rentals.rule_sets import DEFAULT_RULES
from tests.integration.board import PASSWORD, START, TODAY
from tests.integration.route_call import (
    ADDRESS,
    AREA,
    CHANGE,
    FROZEN,
    JOB,
    MISMATCH,
    NEW_PASSWORD,
    NOT_BUSINESS,
    PNG,
    QUARTER,
    REGISTRATION,
    RENTAL,
    SCENARIO,
    STEP,
    TAKE_FILE,
    Call,
    all_rows,
    layer,
    of_level,
    of_measure,
    register_said,
    sign_in,
    whole_board,
)
from tests.integration.route_spots import Spot, day_of_hand_over, import_file

API_CALLS: dict[str, tuple[Call, ...]] = {
    # signing in and the own account
    "POST /api/v1/sign-in": (Call(json=sign_in),),
    "POST /api/v1/sign-out": (Call(for_lookers=True, renews=True),),
    "GET /api/v1/me": (Call(),),
    "PUT /api/v1/me/locale": (Call(json=lambda _: {"locale": "en"}),),
    "POST /api/v1/me/password": (Call(json=lambda _: {"old": PASSWORD, "new": NEW_PASSWORD}, renews=True),),
    "POST /api/v1/me/second-factor": (Call(),),
    # a code that does not fit: the use case was reached
    "POST /api/v1/me/second-factor/confirm": (Call(json=lambda _: {"code": "0"}, done=frozenset({401})),),
    "POST /api/v1/me/second-factor/remove": (Call(json=lambda _: {"code": "0"}, done=frozenset({401})),),
    "GET /api/v1/me/tokens": (Call(),),
    "POST /api/v1/me/tokens": (Call(json=lambda _: {"name": "QGIS"}, refused_to=NOT_BUSINESS),),
    "DELETE /api/v1/me/tokens/{token_id}": (
        Call(
            path=lambda s: {"token_id": s.fresh_token()},
            elsewhere="hidden",
            everywhere=frozenset({Role.ADMINISTRATOR}),
        ),
    ),
    "POST /api/v1/view-as": (Call(json=lambda s: {"officer_id": s.officer_id}, elsewhere="hidden", renews=True),),
    "POST /api/v1/view-as/stop": (Call(for_lookers=True, renews=True),),
    "POST /api/v1/persons/unmask": (
        Call(
            json=lambda s: {
                "table": "registration",
                "row": f"{s.address_code}-0",
                "field": "name",
                "reason": "complaint",
            },
            elsewhere="hidden",
        ),
    ),
    # accounts, approvals, the trail
    "GET /api/v1/accounts": (Call(tells_all=True),),
    "POST /api/v1/accounts": (Call(json=lambda s: {"login": s.fresh_login(), "display_name": "x", "role": "planner"}),),
    "PATCH /api/v1/accounts/{account_id}": (
        Call(path=lambda s: {"account_id": s.site.spare_id}, json=lambda _: {"display_name": "x"}),
    ),
    "POST /api/v1/accounts/{account_id}/reset-password": (Call(path=lambda s: {"account_id": s.site.spare_id}),),
    "POST /api/v1/accounts/{account_id}/areas": (
        Call(
            path=lambda s: {"account_id": s.site.spare_id},
            json=lambda s: {"area_id": s.area_id, "valid_from": "2026-01-01"},
        ),
    ),
    "DELETE /api/v1/accounts/areas/{grant_id}": (Call(path=lambda s: {"grant_id": s.fresh_grant()}),),
    "GET /api/v1/export-approvals": (Call(lists="asker"),),
    "POST /api/v1/export-approvals": (
        Call(
            json=lambda _: {"subject": "registrations", "reason": "quarterly check"},
            refused_to=frozenset({Role.STEWARD}),
        ),
    ),
    "POST /api/v1/export-approvals/{approval_id}/decision": (
        Call(path=lambda s: {"approval_id": s.fresh_approval()}, json=lambda _: {"approve": True}, elsewhere="hidden"),
    ),
    "POST /api/v1/export-approvals/{approval_id}/file": (TAKE_FILE,),
    "GET /api/v1/audit": (Call(tells_all=True),),
    "GET /api/v1/audit.csv": (Call(tells_all=True),),
    "GET /api/v1/audit/verdict": (Call(tells_all=True),),
    # no provider is set up
    "GET /api/v1/oidc/start": (Call(done=frozenset({404})),),
    "GET /api/v1/oidc/callback": (Call(query=lambda _: {"state": "x", "code": "x"}, done=frozenset({401})),),
    # land
    "GET /api/v1/areas": (
        Call(query=all_rows, lists="area"),
        Call(query=lambda s: {"parent_id": s.area_id}, elsewhere="nothing"),
    ),
    "GET /api/v1/areas.geojson": (
        Call(query=of_level("compound"), lists="compound"),
        Call(query=lambda s: {"level": "compound", "within": s.area_id}, elsewhere="nothing"),
    ),
    "GET /api/v1/areas/{area_id}": (AREA,),
    # teams
    "GET /api/v1/units": (Call(query=all_rows, lists="unit"),),
    "GET /api/v1/officers": (Call(query=all_rows, lists="officer"),),
    "GET /api/v1/beats": (Call(query=all_rows, lists="beat"),),
    "POST /api/v1/beats/{beat_id}/hand-over": (
        Call(
            path=lambda s: {"beat_id": s.fresh_beat()},
            json=lambda s: {"badge_no": f"B{s.team}", "from_day": day_of_hand_over().isoformat()},
            elsewhere="hidden",
        ),
    ),
    # addresses
    "GET /api/v1/addresses": (
        Call(query=all_rows, lists="address"),
        Call(query=lambda s: {"area_id": s.area_id}, elsewhere="nothing"),
        Call(query=lambda s: {"search": s.address_code}, elsewhere="nothing"),
        Call(query=lambda s: {"bbox": s.bbox, "area_id": s.area_id}, elsewhere="nothing"),
    ),
    "GET /api/v1/addresses/found": (Call(query=lambda s: {"text": s.address_code}, elsewhere="nothing"),),
    "GET /api/v1/addresses/{address_id}": (ADDRESS,),
    "GET /api/v1/unresolved": (
        Call(query=all_rows, lists="waiting"),
        Call(query=lambda s: {"area_id": s.area_id}, elsewhere="nothing"),
    ),
    "GET /api/v1/unresolved/counts": (Call(lists="count"),),
    "POST /api/v1/assignments": (Call(district_wide=True),),
    "POST /api/v1/unresolved/acceptances": (
        Call(json=lambda s: {"reason": "seen on site", "address_ids": [s.fresh_address()]}, elsewhere="hidden"),
    ),
    "PUT /api/v1/addresses/{address_id}/override": (
        Call(
            path=lambda s: {"address_id": s.fresh_address()},
            json=lambda s: {"area_id": s.compound_id, "reason": "seen on site"},
            elsewhere="hidden",
        ),
    ),
    "DELETE /api/v1/addresses/{address_id}/override": (
        Call(path=lambda s: {"address_id": s.fresh_address(overridden=True)}, elsewhere="hidden"),
    ),
    "PUT /api/v1/addresses/{address_id}/point": (
        Call(
            path=lambda s: {"address_id": s.fresh_address()},
            json=lambda s: {**s.lonlat, "reason": "seen on site"},
            elsewhere="hidden",
        ),
    ),
    "GET /api/v1/unresolved/stale-overrides": (Call(query=all_rows),),
    "GET /api/v1/unresolved/doubtful": (Call(query=all_rows),),
    "POST /api/v1/unresolved/doubtful/acknowledgements": (
        Call(json=lambda s: {"reason": "seen on site", "area_id": s.with_doubt()}, elsewhere="hidden"),
    ),
    "GET /api/v1/unresolved/clearance": (
        Call(query=lambda s: {"area_id": s.area_id, "quarter": "2026-Q4"}, elsewhere="hidden"),
    ),
    "GET /api/v1/unresolved/sign-offs": (Call(query=all_rows),),
    "POST /api/v1/unresolved/sign-offs": (
        Call(
            json=lambda s: {"area_id": s.with_waiting_address(), "quarter": "2026-Q4", "note": "nobody knows"},
            elsewhere="hidden",
        ),
    ),
    "GET /api/v1/unresolved/sign-offs/{sign_off_id}/addresses": (
        Call(path=lambda s: {"sign_off_id": s.fresh_sign_off()}, elsewhere="hidden"),
    ),
    # changes of the land
    "GET /api/v1/land-changes": (Call(),),
    "POST /api/v1/land-changes": (
        Call(
            json=lambda s: {"mode": "correction", "day": START.isoformat(), "asked": s.rename()},
            elsewhere="forbidden",
        ),
    ),
    "GET /api/v1/land-changes/{change_id}": (CHANGE,),
    "GET /api/v1/land-changes/{change_id}/impact": (CHANGE,),
    "POST /api/v1/land-changes/{change_id}/approval": (replace(CHANGE, json=lambda _: {}),),
    "POST /api/v1/land-changes/{change_id}/discard": (CHANGE,),
    "POST /api/v1/land-changes/{change_id}/application": (
        Call(path=lambda s: {"change_id": s.fresh_change(ChangeState.APPROVED)}, elsewhere="hidden"),
    ),
    "POST /api/v1/land-changes/{change_id}/reversion": (
        Call(
            path=lambda s: {"change_id": s.fresh_change(ChangeState.APPLIED)},
            json=lambda _: {"reason": "by mistake"},
            elsewhere="hidden",
        ),
    ),
    "GET /api/v1/areas/{area_id}/heirs": (AREA,),
    "POST /api/v1/land-edits": (
        Call(json=lambda s: {"kind": "split", "area_id": s.compound_id, "line": s.across()}),
        # an area and itself: the use case was reached
        Call(
            json=lambda s: {"kind": "merge", "area_ids": [s.area_id, s.area_id]},
            elsewhere="hidden",
            done=frozenset({422}),
        ),
    ),
    "GET /api/v1/land-edits/areas/{area_id}": (AREA,),
    "GET /api/v1/land-repairs": (Call(), Call(query=lambda s: {"area_id": s.area_id})),
    # the land has no defect: nothing is proposed that could be accepted
    "POST /api/v1/land-repairs/acceptance": (
        Call(json=lambda _: {"keys": ["overlap"], "day": "2026-11-01"}, done=frozenset({404})),
    ),
    "POST /api/v1/land-reimports/comparison": (
        Call(form=lambda _: {"day": "2026-11-01", "crs": "EPSG:4326"}, files=layer, echoes=True),
    ),
    "POST /api/v1/land-reimports": (
        Call(
            json=lambda s: {"ticket": s.kept_layer(), "day": "2026-11-01", "crs": "EPSG:4326"},
            elsewhere="hidden",
            echoes=True,
        ),
    ),
    "GET /api/v1/topology.geojson": (Call(),),
    "GET /api/v1/tiles/addresses/{z}/{x}/{y}.mvt": (
        Call(path=whole_board, lists="count"),
        Call(path=lambda s: s.tile, elsewhere="nothing"),
    ),
    "GET /api/v1/tiles/areas/{level}/{z}/{x}/{y}.mvt": (
        Call(path=lambda s: {"level": "compound", **whole_board(s)}, lists="compound"),
        Call(path=lambda s: {"level": "compound", **s.tile}, elsewhere="nothing"),
    ),
    # figures
    "GET /api/v1/figures/coverage": (Call(query=of_level("compound"), lists="compound"),),
    "GET /api/v1/figures/rentals": (Call(query=of_level("compound"), lists="compound"),),
    "GET /api/v1/figures/mismatches": (Call(query=of_level("compound"), lists="compound"),),
    "GET /api/v1/figures/beats": (Call(query=all_rows, lists="beat"),),
    # planning
    "GET /api/v1/planning/staffing": (Call(query=of_level("compound"), lists="compound"),),
    "GET /api/v1/planning/difficulty": (Call(query=of_level("compound"), lists="compound"),),
    "POST /api/v1/planning/posts": (
        Call(json=lambda _: {"level": "compound", "change": 2}, done=frozenset({200, 422}), for_lookers=True),
        Call(json=lambda s: {"level": "compound", "within": s.area_id}, elsewhere="hidden", for_lookers=True),
    ),
    "GET /api/v1/planning/scenarios": (Call(),),
    "POST /api/v1/planning/scenarios": (
        Call(json=lambda s: {"name": "x", "area_id": s.area_id, "day": TODAY.isoformat()}, elsewhere="hidden"),
    ),
    "GET /api/v1/planning/scenarios/{scenario_id}": (SCENARIO,),
    "GET /api/v1/planning/scenarios/{scenario_id}/comparison": (SCENARIO,),
    "GET /api/v1/planning/scenarios/{scenario_id}/reasons": (SCENARIO,),
    "GET /api/v1/planning/scenarios/{scenario_id}/letters": (SCENARIO,),
    "POST /api/v1/planning/scenarios/{scenario_id}/steps": (
        replace(SCENARIO, json=lambda _: {"step": {"kind": "recruits", "count": 2, "from_day": TODAY.isoformat()}}),
    ),
    "POST /api/v1/planning/scenarios/{scenario_id}/undo": (
        Call(path=lambda s: {"scenario_id": s.fresh_scenario(step=True)}, elsewhere="hidden"),
    ),
    "POST /api/v1/planning/scenarios/{scenario_id}/balance": (
        replace(SCENARIO, json=lambda s: {"units": [0], "beat": f"b{s.beat_id}"}, for_lookers=True),
    ),
    "POST /api/v1/planning/scenarios/{scenario_id}/beats": (replace(SCENARIO, json=lambda _: {}),),
    "POST /api/v1/planning/scenarios/{scenario_id}/comments": (replace(SCENARIO, json=lambda _: {"text": "yes"}),),
    "POST /api/v1/planning/scenarios/{scenario_id}/share": (replace(SCENARIO, json=lambda _: {"shared": True}),),
    "POST /api/v1/planning/scenarios/{scenario_id}/freeze": (SCENARIO,),
    "POST /api/v1/planning/scenarios/{scenario_id}/discard": (SCENARIO,),
    "POST /api/v1/planning/scenarios/{scenario_id}/reopen": (FROZEN,),
    "POST /api/v1/planning/scenarios/{scenario_id}/approve": (FROZEN,),
    "POST /api/v1/planning/scenarios/{scenario_id}/publish": (
        Call(
            path=lambda s: {"scenario_id": s.fresh_scenario(ScenarioState.APPROVED)},
            json=lambda _: {"day": day_of_hand_over().isoformat()},
            elsewhere="hidden",
        ),
    ),
    "POST /api/v1/planning/scenarios/{scenario_id}/revert": (
        Call(
            path=lambda s: {"scenario_id": s.fresh_scenario(ScenarioState.PUBLISHED)},
            json=lambda _: {"reason": "by mistake"},
            elsewhere="hidden",
        ),
    ),
    "GET /api/v1/notices": (Call(),),
    "POST /api/v1/notices/{notice_id}/read": (Call(path=lambda _: {"notice_id": 1}),),
    # jobs
    "GET /api/v1/jobs": (Call(),),
    "GET /api/v1/jobs/{job_id}": (JOB,),
    "POST /api/v1/jobs/{job_id}/cancel": (JOB,),
    # registrations
    "POST /api/v1/registrations": (
        Call(
            json=lambda s: {"address_id": s.address_id, "name": "李四", "registered_on": START.isoformat()},
            elsewhere="hidden",
        ),
    ),
    "POST /api/v1/registrations/{registration_id}/renewal": (
        replace(REGISTRATION, json=lambda _: {"day": START.isoformat()}),
    ),
    "POST /api/v1/registrations/{registration_id}/move": (
        replace(REGISTRATION, json=lambda s: {"day": START.isoformat(), "address_id": s.address_id}),
    ),
    "POST /api/v1/registrations/{registration_id}/deregistration": (
        replace(REGISTRATION, json=lambda _: {"day": START.isoformat(), "reason": "left_district"}),
    ),
    "GET /api/v1/addresses/{address_id}/registrations": (ADDRESS,),
    "POST /api/v1/registrations/search": (Call(json=lambda _: {"phone": "13900000000"}, for_lookers=True),),
    "GET /api/v1/registrations/due": (Call(query=all_rows),),
    "GET /api/v1/figures/turnover": (
        Call(
            query=lambda _: {"level": "compound", "limit": 1000, "first": "2026-09-01", "last": "2026-09-01"},
            lists="compound",
        ),
    ),
    # fieldwork; what is sent of elsewhere gets a receipt that says so (test_fieldwork.py)
    "GET /api/v1/field/today": (Call(),),
    "GET /api/v1/field/offline": (Call(),),
    "POST /api/v1/field/visits": (Call(json=lambda s: {"visits": [s.visit()]}),),
    "POST /api/v1/field/visits/{receipt_key}/photos": (
        Call(
            path=lambda s: {"receipt_key": s.fresh_visit()},
            files=lambda _: {"photo": ("a.png", PNG)},
            elsewhere="hidden",
        ),
    ),
    # rentals
    "GET /api/v1/rentals": (
        Call(query=all_rows),
        Call(query=lambda s: {"area_id": s.area_id}, elsewhere="nothing"),
    ),
    "GET /api/v1/figures/hotspots": tuple(
        Call(query=of_measure(measure)) for measure in ("group_rentals", "red_or_orange", "rentals")
    ),
    "GET /api/v1/rentals/rules": (Call(),),
    "POST /api/v1/rentals/rules": (
        Call(json=lambda _: {"rules": DEFAULT_RULES.model_dump(), "valid_from": "2030-01-01"}),
    ),
    "POST /api/v1/rentals/grading": (Call(),),
    "POST /api/v1/rentals": (
        Call(
            json=lambda s: {
                "code": f"L-{s.code}-x",
                "address_id": s.address_id,
                "rooms": 1,
                "beds": 1,
                "residents": 1,
                "let_from": "2026-01-01",
            },
            elsewhere="hidden",
        ),
    ),
    "GET /api/v1/rentals/{rental_id}": (RENTAL,),
    "POST /api/v1/rentals/{rental_id}/inspections": (replace(RENTAL, json=lambda _: {"day": "2026-11-01"}),),
    "GET /api/v1/rectifications/overdue": (Call(query=all_rows),),
    "POST /api/v1/rectifications/{rectification_id}/done": (
        Call(
            path=lambda s: {"rectification_id": s.fresh_rectification()},
            json=lambda _: {"day": "2026-11-01"},
            elsewhere="hidden",
        ),
    ),
    # mismatches
    "GET /api/v1/mismatches": (
        Call(query=all_rows),
        Call(query=lambda s: {"area_id": s.area_id}, elsewhere="nothing"),
    ),
    "GET /api/v1/mismatches/counts": (Call(),),
    "POST /api/v1/mismatches/states": (
        Call(json=lambda s: {"mismatch_ids": [s.fresh_mismatch()], "state": "confirmed"}, elsewhere="hidden"),
    ),
    "POST /api/v1/mismatches/owners": (
        Call(json=lambda s: {"mismatch_ids": [s.fresh_mismatch()], "owner": "officer"}, elsewhere="hidden"),
    ),
    "GET /api/v1/mismatches/{mismatch_id}": (MISMATCH,),
    "POST /api/v1/mismatches/{mismatch_id}/comments": (replace(MISMATCH, json=lambda _: {"text": "seen"}),),
    "POST /api/v1/mismatches/{mismatch_id}/attachments": (replace(MISMATCH, files=lambda _: {"file": ("a.png", PNG)}),),
    "GET /api/v1/mismatches/{mismatch_id}/attachments/{attachment_id}": (
        Call(path=lambda s: s.fresh_attachment(PNG), elsewhere="hidden"),
    ),
    "GET /api/v1/figures/mismatch-rates": (Call(query=of_level("compound"), lists="compound"),),
    "GET /api/v1/figures/worst-compounds": (Call(query=lambda _: {"limit": 100}),),
    "GET /api/v1/figures/mismatch-months": (Call(query=lambda _: {"first": "2026-01-01", "last": "2026-03-01"}),),
    # quarters
    "GET /api/v1/quarters/progress": (
        Call(query=lambda _: {"quarter": "2026-Q4", "limit": 1000}),
        Call(query=lambda s: {"quarter": "2026-Q4", "area_id": s.area_id}, elsewhere="nothing"),
    ),
    "POST /api/v1/quarters": (
        Call(json=lambda s: {"quarter": "2020-Q1", "area_id": s.village_id}, elsewhere="hidden"),
    ),
    # snapshots of the registers
    "GET /api/v1/snapshots": (Call(query=all_rows),),
    "POST /api/v1/snapshots": (
        Call(
            form=register_said,
            files=lambda _: {"file": ("list.csv", "编号,姓名\n1,张三".encode())},
            elsewhere="hidden",
        ),
    ),
    "POST /api/v1/snapshots/rows": (
        Call(json=lambda s: {**register_said(s), "rows": [{"编号": "1", "姓名": "张三"}]}, elsewhere="hidden"),
    ),
    "GET /api/v1/snapshots/sources": (Call(),),
    "GET /api/v1/snapshots/{snapshot_id}/rows": (
        Call(path=lambda s: {"snapshot_id": s.fresh_snapshot()}, elsewhere="hidden", areas_only=True),
    ),
    "GET /api/v1/mismatches/{mismatch_id}/links": (MISMATCH,),
    "GET /api/v1/snapshot-rows/{row_id}/person": (
        Call(path=lambda s: {"row_id": s.fresh_snapshot_row()}, elsewhere="hidden", areas_only=True),
    ),
    # no village has that quarter open: the use case was reached
    "POST /api/v1/quarters/{quarter}/match": (
        Call(
            path=lambda _: {"quarter": "2019-Q1"},
            json=lambda s: {"area_id": s.village_id},
            elsewhere="hidden",
            done=frozenset({409}),
        ),
    ),
    "GET /api/v1/reconciliations/{reconciliation_id}": (QUARTER,),
    "POST /api/v1/reconciliations/{reconciliation_id}/work-finished": (
        replace(STEP, path=lambda s: s.fresh_quarter("matched")),
    ),
    "POST /api/v1/reconciliations/{reconciliation_id}/taken-back": (
        replace(STEP, path=lambda s: s.fresh_quarter("worked")),
    ),
    "POST /api/v1/reconciliations/{reconciliation_id}/signature": (
        replace(STEP, path=lambda s: s.fresh_quarter("worked"), json=lambda _: {}),
    ),
    # addresses of the villages of the board wait for a decision, or nobody has signed: the use case was reached
    "POST /api/v1/reconciliations/{reconciliation_id}/closing": (replace(QUARTER, done=frozenset({409})),),
    "GET /api/v1/reconciliations/{reconciliation_id}/certificate": (QUARTER,),
    # imports
    "GET /api/v1/imports": (Call(),),
}


def _import_calls(subject: str) -> dict[str, tuple[Call, ...]]:
    def files(spot: Spot) -> dict[str, tuple[str, bytes]]:
        return {"file": import_file(subject, spot)}

    form = {"crs": "EPSG:4326"} if subject in ("areas", "addresses") else {}
    whole = subject == "officers"  # an officer belongs to no place until posted
    return {
        f"POST /api/v1/imports/{subject}/preview": (Call(form=lambda _: form, files=files, echoes=True),),
        f"POST /api/v1/imports/{subject}": (
            Call(form=lambda _: form, files=files, elsewhere="refused", echoes=True, district_wide=whole),
        ),
    }


for _subject in (
    "areas", "units", "officers", "postings", "beats", "beat_parts", "beat_duties", "addresses", "registrations",
    "deregistrations", "rentals", "mismatches",
):  # fmt: skip
    API_CALLS |= _import_calls(_subject)
