"""Which run is which: a hash of everything that can change its result."""

import json
import re
from hashlib import blake2b
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from msd_mtl.errors import UserError

# Raised whenever the code makes other numbers out of the same configuration and data.
NUMBERS_VERSION = 3

# Settings that say where and how visibly a run is made, not what comes out of it.
WITHOUT_EFFECT = (
    "runs_dir",
    "baselines",
    "checkpoint_every_s",
    "logger",
    "study",
    "trainer.enable_progress_bar",
    "trainer.enable_model_summary",
    "trainer.log_every_n_steps",
)
# Settings that count by what they come to, if they do.
COUNTED_ELSEWHERE = (
    "data.store",  # as the fingerprint of what is in it
    "tasks.coupling",  # as data.coupling, where the data has one
    "recipe.epoch_steps",  # as data.epoch_steps, where the budget is one of steps
)
OPERATIONAL = WITHOUT_EFFECT + COUNTED_ELSEWHERE

# Settings that came later than the first runs, with the value that leaves a run what it was before.
LATER: dict[str, Any] = {"data.target_train_size": None, "data.epoch_steps": None, "model.match_parameters": None}

# As NUMBERS_VERSION, for runs of which training tracks may keep no label. 2: these do not enter.
UNLABELLED_VERSION = 2

# Lightning's settings of which 1 is a number of batches and 1.0 is all of them.
SHARES = tuple(
    f"trainer.{name}"
    for name in (
        "limit_train_batches",
        "limit_val_batches",
        "limit_test_batches",
        "limit_predict_batches",
        "overfit_batches",
        "val_check_interval",
    )
)

Config = dict[str, Any]
CHOSEN = "A group is chosen with {group}=NAME, and in a file under its defaults: - override /{group}: NAME."


def resolved(cfg: DictConfig) -> Config:
    """The configuration as plain data, every reference filled in.

    Raises:
        UserError: If a value is missing or refers to nothing.
    """
    try:
        config = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        if found := re.search(r"node `(\w+)` is not a container", str(error)):
            raise UserError(
                f"{found[1]} must be a group of settings; got {cfg.get(found[1])!r}. {CHOSEN.format(group=found[1])}"
            ) from None
        raise UserError(
            f"every setting must have a value; {str(error).splitlines()[0]}. Set {error.full_key or 'KEY'}=VALUE."
        ) from None
    return {str(key): value for key, value in dict(config).items()}  # type: ignore[arg-type]


def data_fingerprint(data: Config) -> str:
    """What tells one body of data from another, without reading it.

    Args:
        data: The resolved ``data`` group.

    Returns:
        The content hash of the store; ``synthetic`` for worlds, which their settings make.
    """
    if data["name"] == "synthetic":
        return "synthetic"
    from msd_mtl.data.store import Store

    return Store.open(data["store"]).content_hash


def run_id(config: Config, fingerprint: str) -> str:
    """Name of the run: 16 hexadecimal digits.

    Args:
        config: Resolved configuration.
        fingerprint: See ``data_fingerprint``.
    """
    unset = tuple(key for key, value in LATER.items() if value_of(config, key) == value)
    shares = [key for key in SHARES if isinstance(share := value_of(config, key), float) and share == 1]
    counted = {"config": without(config, OPERATIONAL + unset), "data": fingerprint, "numbers": NUMBERS_VERSION}
    unlabelled = {"unlabelled": UNLABELLED_VERSION} if _may_keep_no_label(config) else {}
    return digest(counted | ({"shares": shares} if shares else {}) | unlabelled)


def _may_keep_no_label(config: Config) -> bool:
    """Whether training tracks that lose the target's label may have no other: there is none, or it may be missing."""
    if value_of(config, "data.target_train_size") is None:
        return False
    has_all = value_of(config, "data.name") == "synthetic" and value_of(config, "data.world.missing") == 0
    return len(value_of(config, "tasks.names")) == 1 or not has_all


def has_own_name(record: dict[str, Any]) -> bool:
    """Whether the code as it is gives the run of a record its name; if not, other code made it, or it was edited."""
    found: str = record["run_id"]
    return found == run_id(record["config"], record["data"]["fingerprint"])


def without(config: Config, keys: tuple[str, ...]) -> Config:
    """A copy of the configuration without some of its dotted keys."""
    kept: Config = json.loads(json.dumps(config))
    for key in keys:
        *parents, leaf = key.split(".")
        node = kept
        for parent in parents:
            node = node.get(parent, {})
        node.pop(leaf, None)
    return kept


def value_of(config: Any, key: str) -> Any:
    """Value of a dotted key; None where there is none."""
    node = config
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node


def digest(value: Any) -> str:
    """16 hexadecimal digits that depend on the value alone: not on the order of keys, nor on 1 being written 1.0."""
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    """The same value with whole numbers as integers."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
