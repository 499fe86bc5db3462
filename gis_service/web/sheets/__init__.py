"""Printed sheets: a squad's map and roster, an officer's beat, a township's month, any map; made without a browser."""
