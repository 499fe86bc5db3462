"""How to call every route of the site: one entry a route (`route_calls`)."""

from __future__ import annotations

from dataclasses import replace

from gis_service.access.permissions import Role
from gis_service.areas.tables import ChangeState
from gis_service.planning.tables import ScenarioState
from gis_service.web.command.indicators import Indicator
from gis_service.web.export_kinds import ExportKind
from tests.integration.board import PASSWORD, START
from tests.integration.route_call import (
    ADDRESS,
    AREA,
    CHANGE,
    FROZEN,
    JOB,
    MISMATCH,
    NEW_PASSWORD,
    PNG,
    QUARTER,
    REGISTRATION,
    RENTAL,
    SCENARIO,
    STEP,
    TAKE_FILE,
    Call,
    layer,
    of_indicator,
    of_kind,
    of_level,
    register_said,
    seen,
    sign_in,
)
from tests.integration.route_spots import day_of_hand_over, import_file

PAGE_CALLS: dict[str, tuple[Call, ...]] = {
    "GET /healthz": (Call(),),
    "GET /readyz": (Call(),),
    "GET /me/second-factor": (Call(),),
    "POST /me/second-factor": (Call(),),
    "POST /me/second-factor/confirm": (Call(form=lambda _: {"code": "0"}, done=frozenset({422})),),
    "POST /me/second-factor/remove": (Call(form=lambda _: {"code": "0"}, done=frozenset({422})),),
    "GET /approvals": (Call(),),
    "POST /approvals": (
        Call(
            form=lambda _: {"subject": "registrations", "reason": "quarterly check"},
            refused_to=frozenset({Role.STEWARD}),
        ),
    ),
    "POST /approvals/{approval_id}/decision": (
        Call(
            path=lambda s: {"approval_id": s.fresh_approval()}, form=lambda _: {"approve": "true"}, elsewhere="hidden"
        ),
    ),
    "POST /approvals/{approval_id}/file": (TAKE_FILE,),
    "POST /persons/unmask": (
        Call(
            form=lambda s: {
                "table": "registration",
                "row": f"{s.address_code}-0",
                "field": "name",
                "reason": "complaint",
            },
            elsewhere="hidden",
            echoes=True,
        ),
    ),
    "GET /planning/posts": (Call(query=lambda _: {"change": 2, "level": "village"}),),
    "GET /planning/difficulty": (Call(),),
    "GET /notices": (Call(),),
    "POST /notices/read": (Call(form=lambda _: {"notice_id": 1}),),
    "GET /planning/scenarios": (Call(),),
    "POST /planning/scenarios": (Call(form=lambda s: {"name": "x", "area_id": s.area_id}, elsewhere="hidden"),),
    "GET /planning/scenarios/{scenario_id}": (SCENARIO,),
    "GET /planning/scenarios/{scenario_id}/map": (SCENARIO,),
    "GET /planning/scenarios/{scenario_id}/comparison": (SCENARIO,),
    "GET /planning/scenarios/{scenario_id}/letters": (SCENARIO,),
    "GET /planning/scenarios/{scenario_id}/brief.pdf": (SCENARIO,),
    "POST /planning/scenarios/{scenario_id}/deeds": (replace(SCENARIO, form=lambda _: {"deed": "share"}),),
    "POST /planning/scenarios/{scenario_id}/comments": (replace(SCENARIO, form=lambda _: {"text": "yes"}),),
    "POST /planning/scenarios/{scenario_id}/approval": (FROZEN,),
    "POST /planning/scenarios/{scenario_id}/publication": (
        Call(
            path=lambda s: {"scenario_id": s.fresh_scenario(ScenarioState.APPROVED)},
            form=lambda _: {"day": day_of_hand_over().isoformat()},
            elsewhere="hidden",
        ),
    ),
    "GET /jobs": (Call(),),
    "GET /jobs/rows": (Call(),),
    "POST /jobs/{job_id}/cancel": (JOB,),
    "GET /field": (Call(),),
    "GET /field/worker.js": (Call(),),
    "GET /field/manifest.webmanifest": (Call(),),
    # pages of the registers
    "GET /registers/{area_id}": (AREA,),
    "GET /rentals": (Call(), Call(query=lambda _: {"show": "overdue"})),
    "GET /rentals/{rental_id}": (RENTAL,),
    "POST /rentals/{rental_id}/inspection": (
        replace(RENTAL, form=lambda _: {"inspected_on": "2026-11-01", "findings": "wires"}),
    ),
    "POST /rectifications/{rectification_id}/done": (
        Call(
            path=lambda s: {"rectification_id": s.fresh_rectification()},
            form=lambda _: {"rental_id": "1"},
            elsewhere="hidden",
        ),
    ),
    "GET /addresses/{address_id}/registration": (ADDRESS,),
    "POST /addresses/{address_id}/registration": (
        replace(ADDRESS, form=lambda _: {"name": "李四", "registered_on": START.isoformat()}),
    ),
    "GET /registrations/{registration_id}": (REGISTRATION,),
    "POST /registrations/{registration_id}/renewal": (
        replace(REGISTRATION, form=lambda _: {"day": START.isoformat()}),
    ),
    "POST /registrations/{registration_id}/move": (
        replace(REGISTRATION, form=lambda s: {"day": START.isoformat(), "address_id": s.address_id}),
    ),
    "POST /registrations/{registration_id}/deregistration": (
        replace(REGISTRATION, form=lambda _: {"day": START.isoformat(), "reason": "left_district"}),
    ),
    "GET /mismatches": (Call(), Call(query=lambda s: {"area_id": s.area_id}, elsewhere="nothing")),
    "POST /mismatches/decisions": (
        Call(form=lambda s: {"mismatch_ids": s.fresh_mismatch(), "state": "confirmed"}, elsewhere="hidden"),
    ),
    "GET /mismatches/figures": (Call(),),
    "GET /mismatches/{mismatch_id}": (MISMATCH,),
    "POST /mismatches/{mismatch_id}/decision": (replace(MISMATCH, form=lambda _: {"state": "confirmed"}),),
    "POST /mismatches/{mismatch_id}/owner": (replace(MISMATCH, form=lambda _: {"owner": "officer"}),),
    "POST /mismatches/{mismatch_id}/comment": (replace(MISMATCH, form=lambda _: {"text": "seen"}),),
    "POST /mismatches/{mismatch_id}/attachment": (replace(MISMATCH, files=lambda _: {"file": ("a.png", PNG)}),),
    "GET /snapshots": (Call(),),
    "POST /snapshots": (
        Call(
            form=register_said,
            files=lambda _: {"file": ("list.csv", "编号,姓名\n1,张三".encode())},
            elsewhere="hidden",
        ),
    ),
    "GET /snapshots/{snapshot_id}": (
        Call(path=lambda s: {"snapshot_id": s.fresh_snapshot()}, elsewhere="hidden", areas_only=True),
    ),
    "GET /snapshot-rows/{row_id}": (
        Call(path=lambda s: {"row_id": s.fresh_snapshot_row()}, elsewhere="hidden", areas_only=True),
    ),
    "GET /quarters": (Call(),),
    "POST /quarters": (Call(form=lambda _: {"quarter": "2020-Q2"}),),
    # no village has that quarter open: the use case was reached
    "POST /quarters/match": (Call(form=lambda _: {"quarter": "2019-Q1"}, done=frozenset({409})),),
    "GET /reconciliations/{reconciliation_id}": (QUARTER,),
    "GET /reconciliations/{reconciliation_id}/certificate": (QUARTER,),
    # its registers have not been handed in: the use case was reached
    "POST /reconciliations/{reconciliation_id}/match": (replace(QUARTER, done=frozenset({409})),),
    "POST /reconciliations/{reconciliation_id}/finish": (replace(STEP, path=lambda s: s.fresh_quarter("matched")),),
    "POST /reconciliations/{reconciliation_id}/take-back": (replace(STEP, path=lambda s: s.fresh_quarter("worked")),),
    "POST /reconciliations/{reconciliation_id}/sign": (replace(STEP, path=lambda s: s.fresh_quarter("worked")),),
    "POST /reconciliations/{reconciliation_id}/close": (replace(QUARTER, done=frozenset({409})),),
    # pages
    "GET /sign-in": (Call(),),
    "POST /sign-in": (Call(form=sign_in),),
    "POST /sign-out": (Call(for_lookers=True, renews=True),),
    "GET /me": (Call(),),
    "POST /me/password": (
        Call(form=lambda _: {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}, renews=True),
    ),
    "POST /language": (Call(form=lambda _: {"locale": "en"}),),
    "POST /view-as/stop": (Call(for_lookers=True, renews=True),),
    "GET /": (Call(),),
    "GET /areas/{area_id}": (AREA,),
    "GET /teams": (Call(lists="staff"),),
    "GET /maps/{kind}": tuple(Call(path=of_kind(kind)) for kind in ("coverage", "topology")),
    "GET /maps/{kind}/frame": tuple(
        Call(path=of_kind(kind)) for kind in ("coverage", "hotspots", "mismatches", "beats", "topology", "addresses")
    ),
    "GET /maps/coverage/areas": (
        Call(query=lambda s: {"level": "compound", "within": s.area_id}, elsewhere="nothing"),
    ),
    "GET /maps/address/{address_id}": (ADDRESS,),
    "GET /command": (Call(),),
    "GET /command/land/{level}": (Call(path=lambda _: {"level": "compound"}, lists="compound"),),
    "GET /command/indicators/{indicator}": tuple(Call(path=of_indicator(each)) for each in Indicator),
    "GET /command/places/{area_id}": (AREA,),
    "GET /command/buildings/{area_id}": (AREA,),
    "GET /command/alerts": (Call(),),
    "GET /start": (Call(tells_all=True),),
    "POST /start/assign": (Call(district_wide=True),),
    "GET /start/assignment": (Call(),),
    "GET /sheets": (Call(),),
    "GET /sheets/squads/{area_id}.pdf": (
        Call(path=lambda s: {"area_id": s.site.board.areas[s.team]}, elsewhere="hidden", areas_only=True),
    ),
    "GET /sheets/beats/{beat_id}.pdf": (Call(path=lambda s: {"beat_id": s.beat_id}, elsewhere="hidden"),),
    # whoever has only a part of a township has no bulletin of it (`test_sheets`)
    "GET /sheets/townships/{area_id}.pdf": (
        Call(path=lambda s: {"area_id": s.site.board.areas[s.code[:1]]}, done=frozenset({200, 404})),
    ),
    "GET /sheets/maps/{indicator}.{suffix}": (
        Call(path=lambda _: {"indicator": "load", "suffix": "svg"}),
        Call(
            path=lambda _: {"indicator": "load", "suffix": "svg"},
            query=lambda s: {"within": s.area_id, "level": "compound"},
            elsewhere="hidden",
        ),
    ),
    "GET /addresses": (
        Call(lists="address"),
        Call(query=lambda s: {"area_id": s.area_id}, elsewhere="nothing"),
        Call(query=lambda s: {"beat_id": s.beat_id}, elsewhere="nothing"),
    ),
    "GET /unresolved": (Call(lists="waiting"),),
    "GET /unresolved/stale": (Call(),),
    "GET /unresolved/doubtful": (Call(),),
    "POST /unresolved/doubtful": (
        Call(
            query=lambda s: {"area_id": s.with_doubt()},
            form=lambda _: {"reason": "seen on site", "everything": "true"},
            elsewhere="hidden",
        ),
    ),
    "POST /unresolved/acceptance": (
        Call(
            query=lambda s: {"area_id": s.area_id, "reason": "no_point"},
            form=lambda s: {"reason": f"seen on site, like {s.fresh_address()}"},
            elsewhere="hidden",
        ),
    ),
    "POST /unresolved/sign-off": (
        Call(form=lambda s: {"area_id": s.with_waiting_address(), "reason": "nobody knows"}, elsewhere="hidden"),
    ),
    "POST /unresolved/withdrawal": (
        Call(form=lambda s: {"address_ids": s.fresh_address(overridden=True)}, elsewhere="hidden"),
    ),
    "POST /unresolved/{address_id}/acceptance": (
        Call(path=lambda s: {"address_id": s.fresh_address()}, form=seen, elsewhere="hidden"),
    ),
    "POST /unresolved/{address_id}/override": (
        Call(
            path=lambda s: {"address_id": s.fresh_address()},
            form=lambda s: {"compound_id": s.compound_id, "reason": "seen on site"},
            elsewhere="hidden",
        ),
    ),
    "POST /unresolved/{address_id}/point": (
        Call(
            path=lambda s: {"address_id": s.fresh_address()},
            form=lambda s: {**s.lonlat, "reason": "seen on site"},
            elsewhere="hidden",
        ),
    ),
    "GET /addresses/{address_id}": (ADDRESS,),
    "GET /topology": (Call(),),
    "GET /changes": (Call(),),
    "GET /areas/{area_id}/change": (AREA,),
    "POST /areas/{area_id}/change": (
        replace(AREA, form=lambda _: {"kind": "rename", "name": "x", "day": START.isoformat()}),
    ),
    "GET /land-reimport": (Call(),),
    "POST /land-reimport/comparison": (
        Call(form=lambda _: {"day": "2026-11-01", "crs": "EPSG:4326"}, files=layer, echoes=True),
    ),
    "POST /land-reimport": (
        Call(
            form=lambda s: {"ticket": s.kept_layer(), "day": "2026-11-01", "crs": "EPSG:4326", "note": "as delivered"},
            elsewhere="hidden",
            done=frozenset({303, 422}),  # the layer says what is on record: nothing is left to draft
            echoes=True,
        ),
    ),
    "GET /land-repairs": (Call(), Call(query=lambda s: {"area_id": s.area_id}, elsewhere="hidden")),
    # the land has no defect: nothing is proposed that could be accepted
    "POST /land-repairs": (Call(form=lambda _: {"keys": "overlap"}, done=frozenset({404})),),
    "GET /land-editor": (Call(),),
    "GET /land-editor/areas": (Call(query=of_level("compound"), lists="compound"),),
    "GET /changes/{change_id}": (CHANGE,),
    "POST /changes/{change_id}/approval": (replace(CHANGE, form=lambda _: {}),),
    "POST /changes/{change_id}/discard": (CHANGE,),
    "POST /changes/{change_id}/application": (
        Call(path=lambda s: {"change_id": s.fresh_change(ChangeState.APPROVED)}, elsewhere="hidden"),
    ),
    "POST /changes/{change_id}/reversion": (
        Call(
            path=lambda s: {"change_id": s.fresh_change(ChangeState.APPLIED)},
            form=lambda _: {"reason": "by mistake"},
            elsewhere="hidden",
        ),
    ),
    "GET /imports": (Call(),),
    "GET /accounts": (Call(tells_all=True),),
    "POST /accounts": (
        Call(form=lambda s: {"login": s.fresh_login(), "display_name": "x", "role": "planner"}, tells_all=True),
    ),
    "POST /accounts/{account_id}/disabled": (
        Call(path=lambda s: {"account_id": s.site.spare_id}, form=lambda _: {"disabled": "false"}),
    ),
    "POST /accounts/{account_id}/password": (Call(path=lambda s: {"account_id": s.site.spare_id}, tells_all=True),),
    "POST /accounts/grants/{grant_id}/end": (Call(path=lambda s: {"grant_id": s.fresh_grant()}),),
    "POST /view-as": (Call(form=lambda s: {"officer_id": s.officer_id}, elsewhere="hidden", renews=True),),
    "GET /audit": (Call(tells_all=True),),
    "GET /exports/{kind}.{suffix}": tuple(Call(path=of_kind(kind, suffix="csv")) for kind in ExportKind),
    "POST /imports/preview": (
        Call(
            form=lambda _: {"subject": "units"},
            files=lambda s: {"file": import_file("units", s)},
            echoes=True,
        ),
    ),
    "POST /imports/apply": (
        Call(form=lambda s: {"subject": "units", "ticket": s.kept_file()}, elsewhere="hidden", echoes=True),
    ),
}
