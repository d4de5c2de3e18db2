"""What the server of `warm.py` imports before it serves: all that a run and a report import in the end."""

import sklearn.linear_model  # noqa: F401
from numba.core.registry import cpu_target

import hydra_plugins.msd_mtl_launchers  # noqa: F401
import msd_mtl.data.prepare
import msd_mtl.data.synthetic
import msd_mtl.study.demo
import msd_mtl.study.fit
import msd_mtl.study.learning_curve
import msd_mtl.study.report
import msd_mtl.study.sweep
import msd_mtl.study.train  # noqa: F401

cpu_target.typing_context.refresh()  # numba's tables, which it fills when it first runs a compiled loop
cpu_target.target_context.refresh()
