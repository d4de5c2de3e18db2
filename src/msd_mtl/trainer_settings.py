"""Lightning's own settings of a Trainer, known without importing Lightning."""

import ast
import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SETTING = re.compile(r"trainer\.(\w+)=")


@cache
def names() -> tuple[str, ...]:
    """Names of the arguments that the installed ``pytorch_lightning.Trainer`` takes, read off its source."""
    package = find_spec("pytorch_lightning")
    if package is None or package.origin is None:
        return ()
    source = Path(package.origin).with_name("trainer") / "trainer.py"
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == "Trainer":
            init = next(f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__")
            return tuple(argument.arg for argument in init.args.kwonlyargs)
    return ()


def reachable(overrides: Sequence[str], configured: Sequence[str]) -> list[str]:
    """Overrides in which a setting of Lightning's that ``conf/trainer`` leaves out is added, as Hydra wants it with ++.

    Args:
        overrides: As they stand on the command line.
        configured: Settings that ``conf/trainer`` has.
    """
    return [f"++{text}" if _is_left_out(text, configured) else text for text in overrides]


def _is_left_out(text: str, configured: Sequence[str]) -> bool:
    found = _SETTING.match(text)
    return found is not None and found[1] not in configured and found[1] in names()
