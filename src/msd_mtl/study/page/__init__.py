"""The page of a study: what its analysis says, as one HTML file with figures, tables and verdicts beside it."""
