"""msd-mtl: when, how deep and with whom should tasks share a representation?"""

__version__ = "0.1.0"
