"""Pure computing on GeoDataFrames and arrays: no database, no web, no folium."""
