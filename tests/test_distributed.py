"""Training in several processes: the same result as one process, who writes, failures. Processes are started by torchrun."""
import dataclasses
import json
import shutil
import subprocess
import sys

import pytest
import torch

from ddsp_course import data, kernels, model, processes, training
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.processes import Group
from ddsp_course.training import TrainConfig, draw_batch, fit, read_log, step_generator, train_step

SMALL = dict(hidden=16, encoder_hidden=8, n_harmonics=12, n_noise=9)
SHORT = TrainConfig(steps=10, batch_size=4, crop_seconds=0.5, eval_every=5)
LIMIT_S = 120


def torchrun(*words, processes=2):
    "Exit status, standard output and standard error of a program (a path, or '-m' and a module) in several processes."
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            out, errors = started.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            started.terminate()                     # torchrun then ends the processes it started
            out, errors = started.communicate(timeout=LIMIT_S)
            pytest.fail(f"no end after {LIMIT_S} s: {errors[-2000:]}")
    return started.returncode, out, errors


def losses(run):
    return [line["loss"] for line in read_log(run) if "loss" in line]


def flat(net):
    return torch.cat([value.flatten() for value in net.state_dict().values()])


@pytest.fixture(scope="module")
def config(tone_dataset):
    return model.configure(tone_dataset, **SMALL)


@pytest.fixture(scope="module")
def one(tone_dataset, config, tmp_path_factory):
    "A run of one process."
    folder = tmp_path_factory.mktemp("one") / "run"
    return fit(tone_dataset, config, folder, SHORT, device="cpu", progress=False), folder


# Each process trains, then leaves its weights where the test finds them. The run folder may be a process's own.
PROGRAM = """
import os, sys
import torch
from ddsp_course import data, training
run, rank = sys.argv[1].replace("RANK", os.environ["RANK"]), os.environ["RANK"]
config, settings, folder = training.load_settings(sys.argv[2])
dataset = data.load(folder)
if len(sys.argv) > 3 and rank == sys.argv[3]:
    read = dataset.__class__.crop
    calls = iter(range(7))                          # two crops a step: fails in step 4
    def crop(self, *args):
        if next(calls, None) is None:
            raise OSError("the disk of this process is gone")
        return read(self, *args)
    dataset.__class__.crop = crop
net = training.fit(dataset, config, run, settings, resume=True, device="cpu", progress=False)
assert not torch.distributed.is_initialized()
torch.save(net.state_dict(), f"{sys.argv[1]}_weights_{rank}.pt")
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture(scope="module")
def two(one, program, tmp_path_factory):
    "A run of two processes with the settings of `one`, and the weights that each of them returned."
    run = tmp_path_factory.mktemp("two") / "run"
    status, _, errors = torchrun(program, run, one[1])
    assert status == 0, errors[-2000:]
    return run, [torch.load(f"{run}_weights_{rank}.pt", weights_only=True) for rank in (0, 1)]


def by_hand(dataset, config, settings, shares):
    "The run written out: every share of the batch in turn, gradients added and divided, one update. Losses and model."
    torch.manual_seed(settings.seed)
    net, logged = model.DDSP(config), []
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    n, n_frames = settings.batch_size // shares, round(settings.crop_seconds * dataset.frame_rate)
    for step in range(settings.steps):
        batch = draw_batch(dataset, dataset.split("train"), n_frames, settings.batch_size, step_generator(settings.seed, step))
        generator, total, gradients = step_generator(settings.seed, step), 0.0, 0.0
        for share in range(shares):                 # one generator serves all shares, one after the other
            own = {key: value[share * n : (share + 1) * n].clone() for key, value in batch.items()}
            loss = multiscale_spectral_loss(net.synthesize(net(own), generator), own["audio"])
            gradients = gradients + torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])
            total = total + loss.detach()
        torch.nn.utils.vector_to_parameters(gradients / shares, (grads := [torch.zeros_like(p) for p in net.parameters()]))
        for p, gradient in zip(net.parameters(), grads):
            p.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(net.parameters(), settings.clip_norm)
        optimizer.param_groups[0]["lr"] = settings.learning_rate * 0.1 ** (step / settings.steps)
        optimizer.step()
        logged.append(float(total / shares))
    return logged, net


def test_two_processes_equal_the_sum_by_hand_bit_for_bit(tone_dataset, config, two):
    "Crops, noise rows, mean, clipping and update, all at once."
    with kernels.fast_matmul():                     # as `training.fit` does
        logged, net = by_hand(tone_dataset, config, SHORT, 2)
    assert losses(two[0]) == logged
    assert all(torch.equal(value, two[1][0][name]) for name, value in net.state_dict().items())


def test_two_processes_equal_one_but_for_rounding(one, two):
    a, b = torch.tensor(losses(one[1])), torch.tensor(losses(two[0]))
    off = (a / b - 1).abs()
    assert len(a) == 10 and (off[:2] < 1e-5).all() and (off < 1e-3).all()              # Adam makes rounding grow from step to step
    difference = flat(one[0]) - flat(model.load(two[0]))
    assert difference.square().mean().sqrt() < 1e-3


def test_all_processes_return_the_same_weights_and_one_writes_them(two):
    run, (first, second) = two
    assert all(torch.equal(first[name], second[name]) for name in first)
    saved = model.load(run).state_dict()
    assert all(torch.equal(first[name], saved[name]) for name in first)
    assert [line["step"] for line in read_log(run) if "loss" in line] == list(range(1, 11))
    assert [line["step"] for line in read_log(run) if "held_out_loss" in line] == [5, 10]
    assert len(list((run / "tensorboard").iterdir())) == 1


def test_command_line_and_a_run_of_one_continued_by_two(tone_dataset, config, one, tmp_path):
    class PowerCut(Exception):
        pass

    def cut(self, *args):
        if len(losses(run)) == 4:
            raise PowerCut
        return data.Dataset.crop(self, *args)

    run, failing = tmp_path / "run", data.load(tone_dataset.folder)
    failing.__class__ = type("Failing", (data.Dataset,), {"crop": cut})
    with pytest.raises(PowerCut):
        fit(failing, config, run, SHORT, device="cpu", progress=False)
    begun = losses(run)
    status, out, errors = torchrun("-m", "ddsp_course.cli", "train", tone_dataset.folder, "--out", run, "--resume", "--json")
    assert status == 0, errors[-2000:]
    answer = json.loads(out)                        # one answer, not two
    assert answer["steps"] == 10 and answer["step"] == 10
    assert begun == losses(one[1])[:4] == losses(run)[:4]
    assert losses(run) == pytest.approx(losses(one[1]), rel=1e-4)


def test_one_failing_process_stops_all(one, program, tmp_path):
    status, _, errors = torchrun(program, tmp_path / "run", one[1], "1")
    assert status != 0 and "the disk of this process is gone" in errors
    assert max(line["step"] for line in read_log(tmp_path / "run")) == 3
    assert not list(tmp_path.glob("*.pt"))


def test_processes_with_different_folders_are_refused(one, program, tmp_path):
    "Process 0 would go on from step 10, process 1 from the start."
    shutil.copytree(one[1], tmp_path / "run_0")
    status, _, errors = torchrun(program, tmp_path / "run_RANK", one[1])
    assert status != 0 and "finished steps" in errors and "must be the same in all processes" in errors


@pytest.mark.parametrize("world_size, shape", [(2, (4, 50, 160)), (3, (6, 13, 11)), (5, (5, 1, 1)), (3, (3, 7, 5)), (2, (2, 17, 3)), (4, (8, 9, 1))])
def test_noise_rows_are_those_of_the_whole_batch(world_size, shape):
    whole = torch.rand(shape, generator=step_generator(3, 8))
    for rank in range(world_size):
        group = Group(rank, world_size)
        own = (shape[0] // world_size, *shape[1:])
        assert torch.equal(torch.rand(own, generator=group.skip_earlier_rows(step_generator(3, 8), own)), whole[group.rows(shape[0])])


@pytest.mark.parametrize("reverb", [None, "decay"])
def test_synthesizer_takes_its_rows_of_the_noise(config, reverb):
    "The model draws nothing else from the generator, so a share sounds like its rows of the whole."
    net = model.DDSP(dataclasses.replace(config, reverb=reverb))
    batch = {"f0_hz": torch.full((4, 30), 300.0), "loudness_db": torch.full((4, 30), -30.0), "mfcc": torch.zeros(4, 30, config.n_mfcc)}
    with torch.no_grad():
        whole = net.synthesize_parts(net(batch), step_generator(0, 1))["noise"]
        for rank in (0, 1):
            group = Group(rank, 2)
            own = {key: value[group.rows(4)] for key, value in batch.items()}
            generator = group.skip_earlier_rows(step_generator(0, 1), (2, 30, config.hop_length))
            part = net.synthesize_parts(net(own), generator)["noise"]
            torch.testing.assert_close(part, whole[group.rows(4)], rtol=0, atol=1e-6 * float(whole.abs().max()))


def test_rows_of_a_batch_are_loaded_alone(tone_dataset):
    whole, last = (draw_batch(tone_dataset, tone_dataset.split("train"), 20, 6, step_generator(0, 2), rows) for rows in (slice(None), Group(2, 3).rows(6)))
    assert all(torch.equal(whole[key][4:], last[key]) for key in whole)


def test_unequal_shares_are_refused(tone_dataset, config):
    assert [Group(rank, 3).rows(6) for rank in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 6)]
    with pytest.raises(ValueError, match="batch_size must be a multiple of the number of processes, 4; got 6"):
        Group(1, 4).rows(6)


def test_alone_without_torchrun(monkeypatch):
    "A WORLD_SIZE left by a job scheduler does not make a group."
    for world_size in (None, "1", "8"):
        monkeypatch.delenv("LOCAL_RANK", raising=False)
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        if world_size:
            monkeypatch.setenv("WORLD_SIZE", world_size)
        with processes.joined("cpu") as group:
            assert group == Group() and not torch.distributed.is_initialized()
        with pytest.raises(KeyError), processes.joined("cpu"):
            raise KeyError


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="one GPU a process"), processes.joined("cuda"):
        pass


def test_generator_goes_where_the_device_is():
    generator = step_generator(0, 3)
    assert processes.on_device(generator, "cpu") is generator


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_on_a_gpu(tone_dataset, config, precision):
    settings = dataclasses.replace(SHORT, precision=precision)
    torch.manual_seed(0)
    net = model.DDSP(config).cuda()
    batch = draw_batch(tone_dataset, tone_dataset.split("train"), 50, 4, step_generator(0, 0))
    values = train_step(net, torch.optim.Adam(net.parameters()), {k: v.cuda() for k, v in batch.items()}, settings, 0)
    assert values["loss"] == values["loss"] < 100
