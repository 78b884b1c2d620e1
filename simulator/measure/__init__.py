"""Measure: records become numbers. Pure."""
