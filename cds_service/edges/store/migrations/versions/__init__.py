"""Revisions, numbered in order. One that was released is never edited."""
