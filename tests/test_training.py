"""Training: determinism, resume after SIGKILL, checkpoints, refusals."""
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors import safe_open

from ddsp_course import model, training
from ddsp_course.training import TrainConfig, draw_batch, fit, load_settings, read_log, step_generator

SMALL = dict(hidden=16, encoder_hidden=8, n_harmonics=12, n_noise=9)
SHORT = TrainConfig(steps=12, batch_size=2, crop_seconds=0.5, eval_every=5)


@pytest.fixture(scope="module")
def config(tone_dataset):
    return model.configure(tone_dataset, **SMALL)


@pytest.fixture(scope="module")
def unbroken(tone_dataset, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    return fit(tone_dataset, config, folder, SHORT, progress=False), folder


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def test_loss_falls_and_files_are_there(tone_dataset, config, tmp_path):
    fit(tone_dataset, config, tmp_path / "run", dataclasses.replace(SHORT, steps=60), progress=False)
    losses = [line["loss"] for line in read_log(tmp_path / "run") if "loss" in line]
    assert len(losses) == 60 and sum(losses[-10:]) < 0.85 * sum(losses[:10])
    for name in ("config.json", "model.safetensors", "train.json", "checkpoint.safetensors", "metrics.jsonl"):
        assert (tmp_path / "run" / name).is_file()
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_same_seed_same_weights_other_seed_other_weights(tone_dataset, config, unbroken, tmp_path):
    assert same(fit(tone_dataset, config, tmp_path / "a", SHORT, progress=False), unbroken[0])
    assert not same(fit(tone_dataset, config, tmp_path / "b", dataclasses.replace(SHORT, seed=1), progress=False), unbroken[0])


def test_saved_model_is_the_returned_one(unbroken):
    assert same(model.load(unbroken[1]), unbroken[0])


SCRIPT = """
import sys, dataclasses
import torch; torch.set_num_threads(1)
from ddsp_course import data, training
config, settings, folder = training.load_settings(sys.argv[1])
training.fit(data.load(folder), config, sys.argv[1], settings, resume=True, progress=False)
"""


@pytest.mark.parametrize("kill_after", [1, 4, 9])
def test_killed_training_continues_to_the_same_bits(tone_dataset, config, unbroken, tmp_path, kill_after):
    "SIGKILL once the log has `kill_after` lines; at most the step in flight is lost."
    run = tmp_path / "run"
    run.mkdir()
    settings = {"train": dataclasses.asdict(SHORT), "model": dataclasses.asdict(config), "dataset": str(tone_dataset.folder)}
    (run / "train.json").write_text(json.dumps(settings))
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(run)], stderr=subprocess.PIPE)
    while len(read_log(run)) < kill_after and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.stderr.read().decode()[-500:]
    process.stderr.close()
    logged = max(line["step"] for line in read_log(run))
    net = model.DDSP(config)
    done = training.load_checkpoint(run / "checkpoint.safetensors", net, torch.optim.Adam(net.parameters())) if (run / "checkpoint.safetensors").exists() else 0
    assert done >= logged - 1
    assert same(fit(tone_dataset, config, run, SHORT, resume=True, progress=False), unbroken[0])
    keys = [(line["step"], line.get("loss"), line.get("held_out_loss")) for line in read_log(run)]
    assert keys == [(line["step"], line.get("loss"), line.get("held_out_loss")) for line in read_log(unbroken[1])]


def test_half_written_log_line_and_leftover_are_harmless(tone_dataset, config, unbroken, tmp_path):
    run = tmp_path / "run"
    fit(tone_dataset, config, run, SHORT, progress=False)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 13, "lo')
    assert same(fit(tone_dataset, config, run, SHORT, resume=True, progress=False), unbroken[0])
    assert read_log(run)[-1]["step"] == 12


def test_refuses_to_overwrite_or_mix(tone_dataset, config, unbroken):
    with pytest.raises(FileExistsError, match="already holds a run"):
        fit(tone_dataset, config, unbroken[1], SHORT, progress=False)
    with pytest.raises(ValueError, match="seed was 0"):
        fit(tone_dataset, config, unbroken[1], dataclasses.replace(SHORT, seed=3), resume=True, progress=False)
    with pytest.raises(ValueError, match="z_dims was 6"):
        fit(tone_dataset, dataclasses.replace(config, z_dims=4), unbroken[1], SHORT, resume=True, progress=False)


def test_damaged_checkpoint_is_named(tone_dataset, config, tmp_path):
    run = tmp_path / "run"
    fit(tone_dataset, config, run, dataclasses.replace(SHORT, steps=2), progress=False)
    whole = (run / "checkpoint.safetensors").read_bytes()
    (run / "checkpoint.safetensors").write_bytes(whole[:1000])
    with pytest.raises(ValueError, match="checkpoint.safetensors is no checkpoint"):
        fit(tone_dataset, config, run, dataclasses.replace(SHORT, steps=2), resume=True, progress=False)


def test_other_features_are_refused(tone_dataset, config, tmp_path):
    other = dataclasses.replace(config, features={**config.features, "version": 99})
    with pytest.raises(ValueError, match="version"):
        fit(tone_dataset, other, tmp_path / "run", SHORT, progress=False)


def test_infinite_loss_stops_with_whole_weights(tone_dataset, config):
    torch.manual_seed(0)
    net = model.DDSP(config)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    batch = draw_batch(tone_dataset, tone_dataset.split("train"), 50, 2, step_generator(0, 0))
    batch["audio"][0, 100] = float("inf")
    with pytest.raises((FloatingPointError, ValueError)):
        training.train_step(net, torch.optim.Adam(net.parameters()), batch, SHORT, 0)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_crops_are_aligned(tone_dataset):
    "The same frames of audio and features: the loudness of the crop is that of its audio."
    from ddsp_course.loudness import loudness_db

    batch = draw_batch(tone_dataset, tone_dataset.split("train"), 100, 3, step_generator(0, 5))
    again = loudness_db(batch["audio"], 16000, 100)
    assert (again - batch["loudness_db"])[:, 5:-5].abs().max() < 0.1


def test_settings_are_read_back(unbroken, config, tone_dataset):
    got_config, got_train, folder = load_settings(unbroken[1])
    assert got_train == SHORT and got_config == config and folder == tone_dataset.folder.resolve()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_settings(unbroken[1] / "nowhere")
    with pytest.raises(FileNotFoundError, match="train.json"):
        load_settings(unbroken[1].parent)


@pytest.mark.parametrize("field", ["steps", "batch_size", "crop_seconds", "learning_rate", "clip_norm", "eval_every"])
def test_bad_settings(field):
    with pytest.raises(ValueError, match=field):
        TrainConfig(**{field: 0})


@pytest.mark.parametrize("precision", ["float16", "double", None, 32])
def test_bad_precision_is_named(precision):
    with pytest.raises(ValueError, match="precision must be one of .*float32.*bfloat16"):
        TrainConfig(precision=precision)


def test_bfloat16_follows_float32(tone_dataset, config, unbroken, tmp_path):
    "Losses stay near, though not equal; weights, Adam's state and what is saved are float32."
    short = fit(tone_dataset, config, tmp_path / "run", dataclasses.replace(SHORT, precision="bfloat16"), progress=False)
    full, mixed = (torch.tensor([line["loss"] for line in read_log(run) if "loss" in line]) for run in (unbroken[1], tmp_path / "run"))
    assert torch.isfinite(mixed).all() and 1e-6 < (mixed / full - 1).abs().max() < 0.1
    assert {value.dtype for value in short.state_dict().values()} == {torch.float32}
    with safe_open(tmp_path / "run" / "checkpoint.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float32}
    assert load_settings(tmp_path / "run")[1].precision == "bfloat16"


def test_only_the_networks_compute_in_bfloat16(tone_dataset, config):
    torch.manual_seed(0)
    net, seen = model.DDSP(config), []
    net.decoder.mix.layers[0][0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    batch = draw_batch(tone_dataset, tone_dataset.split("train"), 50, 2, step_generator(0, 0))
    full, mixed = (training.predict_controls(net, batch, precision) for precision in ("float32", "bfloat16"))
    assert seen == [torch.float32, torch.bfloat16]
    assert {value.dtype for value in mixed} == {torch.float32} and torch.equal(mixed.f0_hz, full.f0_hz)
    assert torch.equal(full.amplitudes, net(batch).amplitudes)
    loss = training.multiscale_spectral_loss(net.synthesize(mixed, step_generator(0, 0)), batch["audio"])
    loss.backward()
    assert loss.dtype == torch.float32 and {p.grad.dtype for p in net.parameters() if p.grad is not None} == {torch.float32}


def test_runs_from_before_precision_are_read_and_continued(tone_dataset, config, unbroken, tmp_path):
    run = tmp_path / "run"
    fit(tone_dataset, config, run, dataclasses.replace(SHORT, steps=2), progress=False)
    saved = json.loads((run / "train.json").read_text())
    del saved["train"]["precision"]
    (run / "train.json").write_text(json.dumps(saved))
    assert load_settings(run)[1] == dataclasses.replace(SHORT, steps=2)
    fit(tone_dataset, config, run, load_settings(run)[1], resume=True, progress=False)
    with pytest.raises(ValueError, match="precision was 'float32'"):
        fit(tone_dataset, config, run, dataclasses.replace(SHORT, steps=2, precision="bfloat16"), resume=True, progress=False)


def test_minutes_become_steps(tone_dataset, config):
    few, many = (training.fit_in_minutes(tone_dataset, config, SHORT, minutes).steps for minutes in (0.01, 1.0))
    assert 1 <= few < many


def test_the_room_has_rates_of_its_own(tone_dataset):
    "Adam's first step is the rate itself: 0.03 of it for a tap, 10 times it for the logarithms of the decay model."
    config = TrainConfig(batch_size=1, learning_rate=1e-3)
    batch = draw_batch(tone_dataset, tone_dataset.split("train"), 20, 1, step_generator(0, 0))
    for variant, name, factor in (("full", "tail", 0.03), ("decay", "log_gain", 10.0), ("decay", "log_decay", 10.0)):
        torch.manual_seed(0)
        net = model.DDSP(model.configure(tone_dataset, variant, z=False, hidden=8))
        before = {n: p.detach().clone() for n, p in net.named_parameters()}
        training.train_step(net, training.make_optimizer(net, config.learning_rate), batch, config, 0)
        step = {n: float((p.detach() - before[n]).abs().max()) for n, p in net.named_parameters()}
        assert step[f"reverb.{name}"] == pytest.approx(factor * config.learning_rate, rel=0.01)
        assert step["decoder.amplitude.bias"] == pytest.approx(config.learning_rate, rel=0.01)


def test_without_a_room_the_optimizer_is_plain_adam(tone_dataset):
    config, nets = TrainConfig(steps=2, batch_size=1), []
    for make in (training.make_optimizer, lambda net, rate: torch.optim.Adam(net.parameters(), rate, fused=True)):
        torch.manual_seed(0)
        nets.append(model.DDSP(model.configure(tone_dataset, hidden=8)))
        optimizer = make(nets[-1], config.learning_rate)
        for step in range(2):
            training.train_step(nets[-1], optimizer, draw_batch(tone_dataset, tone_dataset.split("train"), 20, 1, step_generator(0, step)), config, step)
    assert all(torch.equal(a, b) for a, b in zip(*(net.parameters() for net in nets)))


def test_log_counts_cpu_seconds_of_the_steps(tmp_path, tone_dataset):
    config = model.configure(tone_dataset, hidden=8)
    fit(tone_dataset, config, tmp_path / "run", TrainConfig(steps=3, batch_size=1, eval_every=3), progress=False)
    seconds = [line["cpu_s"] for line in read_log(tmp_path / "run") if "loss" in line]
    assert len(seconds) == 3 and 0 < seconds[0] < seconds[1] < seconds[2]
