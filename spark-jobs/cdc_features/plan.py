"""The definition that a checkpoint was made by, kept in a file beside the checkpoint."""

import json
import posixpath
from typing import Any

from pyspark.sql import SparkSession

from cdc_features.checkpoint import CheckpointDamagedError
from cdc_features.files import resolve


class OtherPlanError(RuntimeError):
    """The state in the checkpoint is that of another definition, and would give wrong features."""


def keep_plan(spark: SparkSession, checkpoint: str, plan: dict[str, Any]) -> None:
    """Writes `plan.json` into the checkpoint's parent folder, or raises OtherPlanError where another one is there."""
    files, root = resolve(spark, checkpoint)
    path = f"{posixpath.dirname(root.rstrip('/'))}/plan.json"
    try:
        kept = json.loads(files.read(path))
    except FileNotFoundError:
        files.write(path, [json.dumps(plan, indent=2, ensure_ascii=False)])
        return
    except ValueError:
        raise CheckpointDamagedError(f"the checkpoint is damaged: {path} is cut off or no JSON.") from None
    differing = sorted(name for name in kept.keys() | plan.keys() if _of(kept, name) != _of(plan, name))
    if differing:
        raise OtherPlanError(
            f"the checkpoint {checkpoint} was made by another definition: they differ in {', '.join(differing)}. "
            "Compute the set anew from the log with `cdc-features run … --rebuild`, or give the set another name."
        )


def _of(plan: dict[str, Any], name: str) -> tuple[bool, Any]:
    return name in plan, plan.get(name)
