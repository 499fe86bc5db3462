"""The demo district: fictional land, people and work from one seed, written as ordinary import files."""

from gis_service.demo.generation import FILES, DemoDistrict, generate

__all__ = ["FILES", "DemoDistrict", "generate"]
