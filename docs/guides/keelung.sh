#!/bin/bash
# The main job on a real city: land, addresses, invented teams over them, assignment, maps. Prints its own transcript.
#
#   GIS_TEST_DATA=../shared/data docs/guides/keelung.sh                              # embedded SpatiaLite
#   GIS_TEST_DATA=../shared/data docs/guides/keelung.sh postgresql+psycopg://…       # an empty database with PostGIS
#
# Files, maps, screenshots (with Chromium) and times.tsv are left in $KEELUNG_OUT, by default var/keelung/<database>.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${GIS_TEST_DATA:=$root/../shared/data}"
GIS_TEST_DATA=$(cd "$GIS_TEST_DATA" && pwd)
database=spatialite
if [ $# -gt 0 ]; then
  database=postgis
  export GIS_DATABASE_URL=$1
fi
out=${KEELUNG_OUT:-$root/var/keelung/$database}
mkdir -p "$out"
cd "$out"
if [ -e grid.sqlite ]; then
  echo "$out holds a database already: move it away, or name another folder in KEELUNG_OUT" >&2
  exit 1
fi
export PATH="$root/.venv/bin:$PATH" GIS_TEST_DATA GIS_DATA_DIR=. GIS_METRIC_CRS=EPSG:3826 COLUMNS=100
export GIS_LOCALE=${GIS_LOCALE:-en}
printf 'command\twall_s\tcpu_s\tload\n' >times.tsv

# Show a command, run it, note how long it took and how busy the machine was when it began.
step() {
  local load
  load=$(cut -d' ' -f1 /proc/loadavg)
  echo "\$ $1"
  TIMEFORMAT='%R %U %S'
  { time eval "$1" 2>&3; } 3>&2 2>time.txt
  awk -v command="$1" -v load="$load" '{ printf "%s\t%.1f\t%.1f\t%s\n", command, $1, $2 + $3, load }' time.txt >>times.tsv
  echo
}

step 'gis-service db upgrade'
step 'gis-service import areas "$GIS_TEST_DATA/keelung/areas.gpkg" --valid-from 2024-01-01'
step 'gis-service check-topology'
step 'gis-service import addresses "$GIS_TEST_DATA/keelung/addresses.csv.gz" --crs EPSG:4326 --set point_source=surveyed'
step 'gis-service synthesise --out teams --officers 300 --migrants 240000 --seed 2026'
for subject in units officers postings beats beat_parts beat_duties registrations rentals mismatches; do
  step "gis-service import $subject teams/$subject.csv"
done
step 'gis-service assign'
for map in coverage hotspots mismatches; do
  step "gis-service --locale zh_CN map $map --out $map.html"
done
step 'gis-service import areas "$GIS_TEST_DATA/keelung/areas.gpkg" --valid-from 2024-01-01'
step 'gis-service import addresses "$GIS_TEST_DATA/keelung/addresses.csv.gz" --crs EPSG:4326 --set point_source=surveyed'
step 'gis-service assign'

browser=${GIS_TEST_CHROMIUM:-$(command -v chromium || true)}
if [ -n "$browser" ]; then
  for map in coverage hotspots mismatches; do
    "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1600,1000 \
      --virtual-time-budget=8000 --screenshot="$map.png" "file://$PWD/$map.html" 2>/dev/null
  done
fi
rm time.txt
column -t -s "$(printf '\t')" times.tsv
