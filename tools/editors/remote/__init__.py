"""Editors on other people's machines, one file per provider."""
