"""The first keys of the rule that the tests of rule tests read: who it is. What it asks stands in each test file."""

HEAD = """
schema: 1
id: sample
version: 1.0.0
title: Sample
purpose: Sample
owner: Sample
developer: Sample
funding: none
released: 2026-11-21
reviewed: null
known_limits: [none]
"""
