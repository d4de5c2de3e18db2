"""Tests of the readers of official files."""
