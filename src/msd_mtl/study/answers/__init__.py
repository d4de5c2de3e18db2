"""Answers of a study: from the records of its runs to effects, intervals and verdicts."""
