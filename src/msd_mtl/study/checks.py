"""What is wrong with a run's settings, found before libraries that take seconds to import are needed."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from msd_mtl.errors import UserError
from msd_mtl.study.identity import CHOSEN, Config

Expectation = tuple[str, Callable[[Any], bool]]
Written = Callable[[], Iterable[DictConfig]]
ABSENT = object()  # value of a setting that a configuration lacks

# What the bench sets itself, and Lightning's settings under which a run would not be scored on whole parts.
OWN = ("callbacks", "default_root_dir", "enable_checkpointing", "logger", "plugins")
PARTIAL = ("fast_dev_run", "limit_test_batches", "limit_val_batches", "overfit_batches")

# What configurations copy: another value would break what runs are named, paired and compared by.
COPIED = {"data.seed": "seed", "data.names": "tasks.names", "data.target": "tasks.target", "model.mask": "sharing.mask"}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(at_least: int) -> Expectation:
    return (
        f"a whole number of at least {at_least}",
        lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= at_least,
    )


def _number(at_least: float) -> Expectation:
    return f"a number of at least {at_least:g}", lambda v: _is_number(v) and v >= at_least


def _or_null(expectation: Expectation) -> Expectation:
    said, holds = expectation
    return f"{said}, or null", lambda v: v is None or holds(v)


def _of(kind: type, said: str) -> Expectation:
    return said, lambda v: isinstance(v, kind)


SHARE: Expectation = ("a number from 0 to 1", lambda v: _is_number(v) and 0 <= v <= 1)
YES_NO = _of(bool, "true or false")
TEXT = _of(str, "text")
LIST = _of(list, "a list")
TARGET: Expectation = ("settings with a _target_", lambda v: isinstance(v, dict) and isinstance(v.get("_target_"), str))
WEIGHTS: Expectation = (
    r"{TASK: number of at least 0}, a colon of a name written \:",
    lambda v: isinstance(v, dict) and all(_is_number(w) and w >= 0 for w in v.values()),
)
STEPS: Expectation = (
    "a whole number of at least 1, or -1 for no limit",
    lambda v: isinstance(v, int) and not isinstance(v, bool) and (v >= 1 or v == -1),
)

NAME: Expectation = (
    "text (a number in quotes) without a slash or a dot in front, for it names a folder",
    lambda v: isinstance(v, str) and v != "" and not v.startswith(".") and not set(v) & set("/\\\0"),
)

KINDS_OF_DATA = ("synthetic", "msd")
EXPECTED: dict[str, Expectation] = {
    "study.name": NAME,
    "seed": _whole(0),
    "runs_dir": TEXT,
    "baselines": YES_NO,
    "checkpoint_every_s": _number(0),
    "data.name": ("synthetic or msd", lambda v: v in KINDS_OF_DATA),
    "data.split_seed": _whole(0),
    "data.val_fraction": SHARE,
    "data.test_fraction": SHARE,
    "data.train_size": _or_null(_whole(1)),
    "data.target_train_size": _or_null(_whole(1)),
    "data.epoch_steps": _or_null(_whole(1)),
    "data.row_norm": _or_null(("a number above 0", lambda v: _is_number(v) and v > 0)),
    "data.batch_size": _whole(1),
    "data.eval_batch_size": _whole(1),
    "data.drop_last": YES_NO,
    "data.coupling": SHARE,
    "data.world.n_tracks": _whole(1),
    "data.world.n_words": _whole(2),
    "tasks.names": ("a list", lambda v: isinstance(v, list | str)),  # one name alone has a message of its own
    "tasks.target": TEXT,
    "sharing.mask": LIST,
    "model.widths": LIST,
    "model.activation": TEXT,
    "recipe.name": ("text (a number in quotes)", TEXT[1]),
    "recipe.optimizer": TARGET,
    "recipe.scheduler": _or_null(TARGET),
    "recipe.standardise_regression": YES_NO,
    "recipe.binary_outputs": ("1 or 2", lambda v: v in (1, 2) and not isinstance(v, bool)),
    "recipe.epoch_steps": _or_null(_whole(1)),
    "recipe.task_weights": _or_null(WEIGHTS),
    "recipe.monitor": _or_null(TEXT),
    "recipe.select_after": SHARE,
    "recipe.patience": _or_null(_whole(1)),
    "trainer.max_epochs": _or_null(STEPS),
    "trainer.max_steps": STEPS,
    "trainer.min_epochs": _or_null(_whole(0)),
    "trainer.min_steps": _or_null(_whole(0)),
    "trainer.accumulate_grad_batches": _whole(1),
    "trainer.enable_progress_bar": YES_NO,
}

# What a configuration may lack: Lightning's, what one budget alone reads, and without a world what worlds have.
OF_LIGHTNING = ("trainer.min_epochs", "trainer.min_steps", "trainer.accumulate_grad_batches")
OF_A_BUDGET = ("recipe.epoch_steps",)
OF_WORLDS = ("data.coupling", "data.world.n_tracks", "data.world.n_words")

GROUPS = ("data", "tasks", "sharing", "model", "recipe", "trainer", "logger", "study")
OF_NO_GROUP = (*GROUPS, *(key for key in EXPECTED if "." not in key))
OF_A_STUDY = ("study.name", "study.report", "study.skip_impossible_sizes")
# Groups that are handed on as they are, to what takes no setting more than it has.
HANDED_ON = ("data", "model", "trainer")
# Groups whose files all have the same settings, and one of them.
WHOLE_GROUPS = {
    "model": "sharing_network",
    "recipe": "default",
    "sharing": "none",
    "tasks": "tight",
    "trainer": "cpu",
}


def check_settings(config: Config, overrides: Sequence[str] | None = None, written: Written = tuple) -> None:
    """Refuse settings of a kind that they cannot have.

    Args:
        config: Resolved configuration of a run.
        overrides: What is set in it, as on a command line; None where that is not known.
        written: Gives where settings may refer to others, before references are filled in, the likeliest first.

    Raises:
        UserError: With the first that is wrong.
    """
    _check_named(config, overrides)
    for group in GROUPS:
        if not isinstance(_set(config, group), dict):
            raise UserError(f"{group} must be a group of settings; got {config[group]!r}. Leave it out.")
    _check_all_there(config)
    if overrides is not None:  # else it has been composed before, and files of the configuration may be others now
        _check_known(config, written)
    for key, (said, holds) in EXPECTED.items():
        value = _value(config, key)
        if value is not ABSENT and not holds(value):
            raise UserError(f"{key} must be {said}; got {value!r}. Set {key}=VALUE.")
    for copy, original in COPIED.items():
        got, wanted = _value(config, copy), _value(config, original)
        if got != wanted:
            raise UserError(f"{copy} must be what {original} is, {wanted!r}; got {got!r}. Set {original} alone.")
    trainer = config["trainer"]
    if own := [name for name in OWN if name in trainer]:
        raise UserError(f"trainer.{own[0]} must be left to the bench; got {trainer[own[0]]!r}. Leave it out.")
    if partial := [name for name in PARTIAL if trainer.get(name)]:
        raise UserError(f"a run must be scored on whole parts; got trainer.{partial[0]}. Use data.train_size instead.")


def _check_named(config: Config, overrides: Sequence[str] | None) -> None:
    """Refuse a study whose file gives it no name, unless an override has taken that out."""
    study = config.get("study", {})
    if overrides is None or any(one.startswith("~study") for one in overrides):
        return
    if isinstance(study, dict) and "name" not in study:
        raise UserError(
            "study.name must be set by the file of a study; got none. Write study: {name: NAME} into it, below a first "
            "line '# @package _global_'."
        )


def _check_all_there(config: Config) -> None:
    """Refuse a configuration that lacks a setting."""
    may_lack = OF_LIGHTNING + OF_A_BUDGET + (OF_WORLDS if config["data"].get("name") == "msd" else ())
    for key in ("trainer.accelerator", "trainer.devices", *EXPECTED):
        if key not in may_lack:
            _set(config, key)


def _check_known(config: Config, written: Written) -> None:
    """Refuse a setting that nothing reads, which Hydra takes from the file of a study."""
    name = config["data"].get("name")
    known: dict[str, tuple[str | None, tuple[str, ...]]] = {"": (None, OF_NO_GROUP), "study": (None, OF_A_STUDY)}
    known |= {group: _settings_of(group, file) for group, file in (("data", str(name)), *WHOLE_GROUPS.items())}
    for group, (target, settings) in known.items():
        of_group = config[group] if group else config
        if target != of_group.get("_target_"):
            continue  # somebody's own, who alone knows what it takes
        if dotted := [one for one in of_group if "." in str(one)]:
            key = f"{group}.{dotted[0]}".lstrip(".")
            *groups, leaf = key.split(".")
            inside = ": {".join([*groups, leaf]) + ": VALUE" + "}" * len(groups)
            raise UserError(f"a setting in a file must be written group by group; got {key!r}. Write {inside}.")
        for key in _keys(of_group, group):
            if key in settings or _is_lightnings(key):
                continue
            if group not in HANDED_ON and _is_referred_to(key, written):
                continue
            if message := of_other_data(key, name):
                raise UserError(message)
            from msd_mtl.overrides import nearest

            near = f" Nearest: {', '.join(found)}." if (found := nearest(key, settings)) else ""
            raise UserError(
                f"setting must be one that `msd-mtl train` has, or that another refers to; got {key!r}.{near} "
                f"{_mend(key)}"
            )


def _mend(key: str) -> str:
    """What to do about a setting that nothing reads."""
    from msd_mtl.app import conf_dir

    if key.removeprefix("study.") in OF_NO_GROUP:
        return "The file of a study begins with the line '# @package _global_'."
    if (conf_dir() / key).is_dir():
        return CHOSEN.format(group=key)
    return "Mend it where it is set: in the file of the study, or on the command line."


def _is_lightnings(key: str) -> bool:
    """Whether Lightning takes a setting that ``conf/trainer`` leaves out."""
    from msd_mtl.trainer_settings import names

    group, _, name = key.partition(".")
    return group == "trainer" and name in names()


def _is_referred_to(key: str, written: Written) -> bool:
    """Whether another setting takes its value from this one, or would if none were set on the command line."""
    return any(
        f"{reference}.".startswith(f"{key}.")
        for one in written()
        for reference in _references(OmegaConf.to_container(one, resolve=False))
    )


def _references(node: Any, *path: str) -> Iterator[str]:
    """Keys that the settings of a node refer to, in dots from the top; what resolvers are given may be some."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _references(value, *path, str(key))
    elif isinstance(node, list):
        for value in node:
            yield from _references(value, *path, "")
    elif isinstance(node, str):
        for body in re.findall(r"\$\{([^}]*)", node):
            for dots, key in re.findall(r"(?<![\w.])(\.*)(\w[\w.-]*)", body):
                yield ".".join([*path[: -len(dots)], key] if dots else [key])


def of_other_data(key: str, name: object) -> str | None:
    """What is wrong with a setting that data of this name lack and others have; None of any other.

    Args:
        key: The setting, in dots.
        name: Name of the data; where it is none of the bench's, nothing is known of them.
    """
    for other in KINDS_OF_DATA:
        if name in KINDS_OF_DATA and other != name and key in _settings_of("data", other)[1]:
            return (
                f"{key} must be set with data={other} alone; got data={name}. Leave out what sets it, a setting or a "
                f"study, or set data={other}."
            )
    return None


@cache
def _settings_of(group: str, name: str) -> tuple[str | None, tuple[str, ...]]:
    """What a file of the configuration makes, and the settings that it has, which are all that this takes."""
    from msd_mtl.app import conf_dir, read_conf  # they import Hydra

    file = conf_dir() / group / f"{name}.yaml"
    said = read_conf(file) if file.is_file() else {}
    said = said.get(group, said)  # of a file that reaches into other groups too, its own
    return said.get("_target_"), tuple(_keys(said, group))


def _keys(settings: Config, group: str) -> list[str]:
    """Dotted keys of a group, but for Hydra's own; those of a world one by one."""
    world = settings.get("world")
    prefix = f"{group}." if group else ""
    plain = [f"{prefix}{key}" for key in settings if not str(key).startswith("_")]
    return plain + [f"{group}.world.{key}" for key in (world if isinstance(world, dict) else ())]


def _set(config: Config, key: str) -> Any:
    """Value of a dotted key.

    Raises:
        UserError: If there is none.
    """
    if (value := _value(config, key)) is ABSENT:
        raise UserError(f"{key} must have a value; got none. Leave ~{key} out.")
    return value


def _value(config: Config, key: str) -> Any:
    """Value of a dotted key, or ``ABSENT``."""
    node: Any = config
    for part in key.split("."):
        node = node.get(part, ABSENT) if isinstance(node, dict) else ABSENT
    return node


def check_rows(config: Config) -> None:
    """Refuse a training size that the data cannot fill, while that is sooner than when they are set up.

    Args:
        config: Resolved configuration of a run, its settings checked.

    Raises:
        UserError: If there are fewer training rows.
    """
    data = config["data"]
    if "torch" in sys.modules or data["train_size"] is None:
        return
    if data["name"] == "synthetic" and data["train_size"] <= data["world"]["n_tracks"] / 2:
        return  # as good as sure to be there, and to look is to make the world twice
    from msd_mtl.data.rows import too_few
    from msd_mtl.study.sizes import training_rows_of

    rows, _ = training_rows_of(config)
    if data["train_size"] > rows:
        raise too_few(rows, data["train_size"])
