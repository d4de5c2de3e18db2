"""One file a figure; `drawing.py` makes of each what the page inlines and what lies in `figures/`."""
