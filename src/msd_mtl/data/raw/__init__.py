"""Readers of the official files, one family a module."""
