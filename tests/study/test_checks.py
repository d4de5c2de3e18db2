import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir

from msd_mtl.app import conf_dir
from msd_mtl.errors import UserError
from msd_mtl.study import checks
from msd_mtl.study.checks import check_rows, check_settings
from msd_mtl.study.identity import resolved

# Refused here, before anything is imported for it.
WRONG = [
    ("trainer.max_epochs=many", r"trainer\.max_epochs must be a whole number of at least 1, or -1 .*; got 'many'"),
    ("trainer.max_epochs=0", r"trainer\.max_epochs must be a whole number of at least 1"),
    ("trainer.max_steps=0", r"trainer\.max_steps must be a whole number of at least 1"),
    ("+trainer.min_epochs=abc", r"trainer\.min_epochs must be a whole number of at least 0, or null; got 'abc'"),
    ("data.val_fraction=abc", r"data\.val_fraction must be a number from 0 to 1; got 'abc'"),
    ("data.split_seed=abc", r"data\.split_seed must be a whole number of at least 0; got 'abc'"),
    ("data.train_size=1.5", r"data\.train_size must be a whole number of at least 1, or null; got 1\.5"),
    ("data.row_norm=abc", r"data\.row_norm must be a number above 0, or null; got 'abc'"),
    ("data.drop_last=abc", r"data\.drop_last must be true or false; got 'abc'"),
    ("data.name=foo", r"data\.name must be synthetic or msd; got 'foo'"),
    ("checkpoint_every_s=abc", r"checkpoint_every_s must be a number of at least 0; got 'abc'"),
    ("baselines=foo", r"baselines must be true or false; got 'foo'"),
    ("recipe.select_after=abc", r"recipe\.select_after must be a number from 0 to 1; got 'abc'"),
    ("recipe.binary_outputs=3", r"recipe\.binary_outputs must be 1 or 2; got 3"),
    ("recipe.task_weights=3", r"recipe\.task_weights must be \{TASK: number of at least 0\}, .* or null; got 3"),
    ("recipe.task_weights={year: -1}", r"recipe\.task_weights must be"),
    ("recipe.optimizer=abc", r"recipe\.optimizer must be settings with a _target_; got 'abc'"),
    ("recipe.scheduler=abc", r"recipe\.scheduler must be settings with a _target_, or null; got 'abc'"),
    ("model.widths=5", r"model\.widths must be a list; got 5"),
    ("sharing.mask=1", r"sharing\.mask must be a list; got 1"),
    ("study.name=2016", r"study\.name must be text \(a number in quotes\) .*; got 2016"),
    ("study.name=../there", r"study\.name must be text .* without a slash or a dot in front, .*; got '\.\./there'"),
    ("study.name=a/b", r"study\.name must be text .*; got 'a/b'"),
    ("runs_dir=null", r"runs_dir must be text; got None"),
    ("recipe=null", r"recipe must be a group of settings; got None"),
    ("+trainer.logger=true", r"trainer\.logger must be left to the bench"),
    ("+trainer.fast_dev_run=true", r"must be scored on whole parts; got trainer\.fast_dev_run"),
]


def composed(*overrides):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", list(overrides))


@pytest.mark.parametrize(("override", "message"), WRONG)
def test_a_value_of_a_wrong_kind_is_refused(override, message):
    config = resolved(composed(override)) if override != "recipe=null" else resolved(composed()) | {"recipe": None}
    with pytest.raises(UserError, match=message):
        check_settings(config)


@pytest.mark.parametrize(
    "overrides", [("recipe=paper2016",), ("data=msd", "data.store=x"), ("tasks=loose",), ("seed=7",)]
)
def test_settings_as_they_come_are_right(overrides):
    check_settings(resolved(composed(*overrides)))


def test_every_setting_that_is_checked_is_there():
    config = resolved(composed())
    for key in set(checks.EXPECTED) - {
        f"trainer.{name}" for name in ("min_epochs", "min_steps", "accumulate_grad_batches")
    }:
        node = config
        for part in key.split("."):
            node = node[part]


def test_checks_need_no_heavy_library():
    code = "import sys, msd_mtl.study.run, msd_mtl.study.sizes; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torch", "pytorch_lightning", "sklearn", "matplotlib", "wandb"}


def test_a_size_that_the_store_cannot_fill_is_refused_before_anything_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr("msd_mtl.study.sizes.training_rows_of", lambda config: (120, 100))
    config = {"data": {"name": "msd", "train_size": 121}}
    with pytest.raises(UserError, match=r"data\.train_size must be between 1 and the 120 training rows .*; got 121"):
        check_rows(config)
    check_rows({"data": {"name": "msd", "train_size": 120}})
