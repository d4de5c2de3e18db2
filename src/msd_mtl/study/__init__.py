"""One run and what it leaves: run directory, record, baselines, picture."""
