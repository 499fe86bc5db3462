"""Every table of the service, for migrations: importing this module fills `Row.metadata`."""

from __future__ import annotations

import gis_service.access.tables
import gis_service.addresses.tables
import gis_service.areas.tables
import gis_service.fieldwork.tables
import gis_service.intake.tables
import gis_service.jobs.tables
import gis_service.planning.tables
import gis_service.registers.mismatches.tables
import gis_service.registers.quarters.tables
import gis_service.registers.registrations.tables
import gis_service.registers.rentals.tables
import gis_service.registers.snapshots.tables
import gis_service.registers.tables
import gis_service.teams.tables  # noqa: F401 - imported for their tables
from gis_service.storage.rows import Row

metadata = Row.metadata
