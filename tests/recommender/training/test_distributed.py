import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.models import RunState, TrainingRun
from recommender.training import distributed
from tests.recommender.training import synthetic

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[3]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

FIT = """
import json, sys
from pathlib import Path
import django; django.setup()
import torch
from recommender.training import distributed
from recommender.recipe import TrainConfig
from tests.recommender.training.fitting import SMALL, fitted
from tests.recommender.training.synthetic import Silent
class Diary(Silent):
    losses = []
    def epoch(self, epoch):
        self.losses.append([epoch.train_loss, epoch.valid.logloss])
said = {"fits": []}
with distributed.together():
    for settings in json.loads(sys.argv[1]):
        Diary.losses = []
        found = fitted(SMALL.but(epochs=4, batch_size=57, knowledge_dropout=0.0, **settings), observer=Diary())
        weights = torch.cat([weight.detach().reshape(-1) for weight in found.backbone.parameters()])
        fit = {"losses": Diary.losses, "auc": found.fit.test.auc, "sum": weights.sum().item()}
        said["fits"].append(fit)
    rank, said["size"] = distributed.rank(), distributed.size()
threads = [comm.read_text() for comm in Path("/proc/self/task").glob("*/comm")]
said["left_behind"] = [name.strip() for name in threads if "gloo" in name]
if rank == 0:
    print(json.dumps(said))
"""


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


def run(command, script, settings):
    done = subprocess.run(
        [sys.executable, *command, str(script), json.dumps(settings)],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path):
    """The same batches, odd sizes among them, halved: the same losses, scores and weights, to rounding.

    From memory, and streamed and compiled, one fit after the other.
    """
    script = tmp_path / "fit.py"
    script.write_text(FIT)
    settings = [{}, {"stream": True, "compile": "on"}]
    one, two = run([], script, settings), run(TORCHRUN, script, settings)

    assert (one["size"], two["size"]) == (1, 2)
    assert two["left_behind"] == []  # a thread of the group that outlives it can abort the process at its end
    for alone, together in zip(one["fits"], two["fits"], strict=True):
        assert np.array(together["losses"]) == pytest.approx(np.array(alone["losses"]), abs=1e-5)
        assert together["auc"] == pytest.approx(alone["auc"], abs=1e-3)
        assert together["sum"] == pytest.approx(alone["sum"], rel=1e-3)


@pytest.mark.slow
def test_torchrun_trains_one_version_with_two_processes(child_environment):
    catalog = synthetic.in_database("films")
    done = subprocess.run(
        [
            sys.executable,
            *TORCHRUN,
            "manage.py",
            "train_backbone",
            "films",
            "--epochs",
            "1",
            "--history",
            "5",
            "--json",
        ],
        cwd=ROOT,
        env=child_environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == 1
    assert TrainingRun.objects.get().state == RunState.DONE
    assert catalog.backbone_versions.get().metrics["without_knowledge"]["test"]["samples"] == 120
