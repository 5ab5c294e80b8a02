import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.models import RunState, TrainingRun
from recommender.training import distributed
from tests.recommender.training import synthetic
from tests.recommender.training.fitting import SMALL, fitted

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[3]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

# What each process does: the fits of argv, a version of the catalog named there, and what it leaves behind.
SHARED = """
import json, sys
from pathlib import Path
import django; django.setup()
from django.core.management import call_command
from recommender.training import distributed
from tests.recommender.training.test_distributed import fits
with distributed.together():
    said = {"fits": fits(json.loads(sys.argv[1])), "size": distributed.size()}
    rank = distributed.rank()
    call_command("train_backbone", sys.argv[2], "--epochs", "1", "--history", "5", "--json")
threads = [comm.read_text() for comm in Path("/proc/self/task").glob("*/comm")]
said["left_behind"] = [name.strip() for name in threads if "gloo" in name]
if rank == 0:
    print(json.dumps(said))
"""


class Diary(synthetic.Silent):
    def __init__(self):
        self.losses = []

    def epoch(self, epoch):
        self.losses.append([epoch.train_loss, epoch.valid.logloss])


def fits(all_settings):
    """Losses, AUC and the sum of all weights of one fit after the other."""
    said = []
    for settings in all_settings:
        diary = Diary()
        found = fitted(SMALL.but(epochs=3, batch_size=57, knowledge_dropout=0.0, **settings), observer=diary)
        weights = torch.cat([weight.detach().reshape(-1) for weight in found.backbone.parameters()])
        said.append({"losses": diary.losses, "auc": found.fit.test.auc, "sum": weights.sum().item()})
    return said


def test_one_process_alone_needs_no_others():
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    with distributed.together(), distributed.first_goes_first():
        distributed.sum_gradients([weight])
        distributed.same_weights(torch.nn.Linear(1, 1))

        assert (distributed.rank(), distributed.size()) == (0, 1)
        assert weight.grad.tolist() == [1, 1, 1]
        assert distributed.share(np.arange(3)).tolist() == [0, 1, 2]
        assert distributed.collect(np.arange(3.0), 3).tolist() == [0, 1, 2]
        assert distributed.from_first("this") == "this"


@pytest.mark.slow
def test_two_processes_learn_what_one_does(child_environment, tmp_path):
    """The same batches, odd sizes among them, halved: the same losses, scores and weights, to rounding.

    From memory, and streamed and compiled, one fit after the other; then both train one version by the command.
    """
    catalog = synthetic.in_database("films")
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    settings = [{}, {"stream": True, "compile": "on"}]
    done = subprocess.run(
        [sys.executable, *TORCHRUN, str(script), json.dumps(settings), "films"],
        cwd=ROOT,
        env=child_environment | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, together = (json.loads(line) for line in done.stdout.splitlines()[-2:])

    assert together["size"] == 2
    assert together["left_behind"] == []  # a thread of the group that outlives it can abort the process at its end
    for alone, shared in zip(fits(settings), together["fits"], strict=True):
        assert np.array(shared["losses"]) == pytest.approx(np.array(alone["losses"]), abs=1e-5)
        assert shared["auc"] == pytest.approx(alone["auc"], abs=1e-3)
        assert shared["sum"] == pytest.approx(alone["sum"], rel=1e-3)

    assert version["version"] == 1
    assert TrainingRun.objects.get().state == RunState.DONE
    assert catalog.backbone_versions.get().metrics["without_knowledge"]["test"]["samples"] == 120
