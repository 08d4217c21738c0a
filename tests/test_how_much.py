"""How much is enough: the two measuring tools against known answers, the stored result, and models that meet other features."""
import json
import math
import shutil

import numpy as np
import pytest
import torch

from ddsp_course import cli, features, instruments, latent_paths, latents, loudness, metrics, model, perceptual, runs, training
from ddsp_course.how_much import fit_wobble, shorten
from ddsp_course.recordings import data_dir
from ddsp_course.storage import training_statistics


@pytest.mark.parametrize("rate_hz, depth, frame_rate, seed", [(5.3, 30.0, 100, 0), (6.7, 4.0, 50, 1), (4.2, 0.8, 250, 2)])
def test_wobble_is_found_under_a_glide(rate_hz, depth, frame_rate, seed):
    t = np.arange(frame_rate) / frame_rate
    curve = 7000 + 40 * t - 25 * t ** 2 + depth * np.sin(2 * math.pi * rate_hz * t + seed)
    found = fit_wobble(curve, frame_rate)
    assert found == pytest.approx((rate_hz, depth), rel=1e-3)
    noisy = fit_wobble(torch.from_numpy(curve + 0.3 * depth * np.random.default_rng(seed).standard_normal(len(t))), frame_rate)
    assert noisy[0] == pytest.approx(rate_hz, abs=0.3) and noisy[1] == pytest.approx(depth, rel=0.3)


def test_wobble_at_a_given_rate_is_a_projection():
    t = np.arange(200) / 100
    curve = 3 * np.cos(2 * math.pi * 5 * t)
    assert fit_wobble(curve, 100, 5)[1] == pytest.approx(3, rel=1e-9)
    assert fit_wobble(curve, 100, 7)[1] < 0.2                                 # another rate finds next to nothing
    assert fit_wobble(2 * curve, 100, 6)[1] == pytest.approx(2 * fit_wobble(curve, 100, 6)[1])


@pytest.mark.parametrize("curve", [[1.0] * 5, [[1.0] * 9], [1.0] * 8 + [math.nan]])
def test_wobble_refuses(curve):
    with pytest.raises(ValueError, match="curve must be"):
        fit_wobble(curve, 100)


def test_shorten(tone_dataset):
    short = shorten(tone_dataset, 4.0)
    lengths = {group: [r.n_samples for i in short.split("train") if (r := short.recordings[i]).group == group] for group in short.groups}
    assert lengths == {"high": [48000, 16000], "low": [48000, 16000]}
    assert [short.recordings[i] for i in short.split("test")] == [tone_dataset.recordings[i] for i in tone_dataset.split("test")]
    for i in short.split("train"):
        old = next(k for k, r in enumerate(tone_dataset.recordings) if r.name == short.recordings[i].name)
        n = short.recordings[i].n_samples
        assert torch.equal(short.get(i)["audio"], tone_dataset.get(old)["audio"][:n])
        assert torch.equal(short.get(i)["f0_hz"], tone_dataset.get(old)["f0_hz"][:n // 160])
    assert short.features == tone_dataset.features and short.statistics == training_statistics(short) != tone_dataset.statistics
    everything = shorten(tone_dataset, 9.0)
    assert everything.statistics == tone_dataset.statistics
    with pytest.raises(ValueError, match=r"seconds is 9.5, but high has 9.0 s to train on"):
        shorten(tone_dataset, 9.5)


def test_training_never_sees_what_was_cut_off(tone_dataset):
    short = shorten(tone_dataset, 0.5)
    allowed = [short.get(i)["audio"] for i in short.split("train")]
    for step in range(10):
        batch = training.draw_batch(short, short.split("train"), 100, 2, training.step_generator(0, step))
        for audio in batch["audio"]:
            assert any(torch.equal(audio[:8000], a) for a in allowed) and not audio[8000:].any()


def test_stored_result_is_complete():
    "Every training that the command names is there, with figures that can be true."
    text = (data_dir() / "results" / "how_much.json").read_text(encoding="utf-8")
    result = json.loads(text)
    assert len(text) < 200_000
    kinds = {(r["set"], r["frame_rate"], r["sample_rate"], r["minutes"]) for r in result["rows"]}
    assert {("frames", n, 16000, None) for n in (50, 100, 250)} | {("audio", 100, 16000, m) for m in (0.25, 1, 3, 5)} <= kinds
    for row in result["rows"]:
        assert 1 < row["multiscale_loss"] < 20 and 0 <= row["raw_pitch_accuracy"] <= 1 and row["cpu_seconds"] > 0
        assert row["curve"][-1][0] <= row["steps"] and row["minutes"] in (None, pytest.approx(row["train_seconds"] / 60, rel=0.01))
        if row["dataset"] == "violin":
            assert row["held_notes"] >= 10 and 0 < row["vibrato_kept"] < 2


# Models and features of another version

def changed_copy(run, folder, **changes):
    "A run folder whose model claims other features."
    shutil.copytree(runs.find_run(run), folder)
    about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    about["features"] |= changes
    (folder / "config.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def old_run(tmp_path_factory):
    return changed_copy("quartet", tmp_path_factory.mktemp("runs") / "old", version=features.FEATURE_VERSION - 1)


@pytest.mark.parametrize("command", [
    ("evaluate", "RUN"), ("fit-prior", "RUN"), ("generate", "RUN", "out.wav"), ("transfer", "RUN", "in.wav", "out.wav", "--instrument", "flute"),
    ("transfer", "RUN", "in.wav", "out.wav", "--instrument", "flute", "--z", "input"), ("play", "RUN", "out.html"), ("ensemble", "RUN", "out.wav"),
    ("evaluate", "RUN", "--dataset", "DATASET"), ("fit-prior", "RUN", "--dataset", "DATASET")], ids=lambda c: " ".join(c))
def test_each_command_refuses_a_run_of_another_version(command, old_run, tone_dataset, tmp_path, monkeypatch, capsys, tone_folder):
    monkeypatch.chdir(tmp_path)
    shutil.copy(tone_folder / "low" / "low_0.wav", "in.wav")
    places = {"RUN": str(old_run), "DATASET": str(tone_dataset.folder)}
    assert cli.main([places.get(word, word) for word in command]) == 1
    said = capsys.readouterr().err
    assert f"version {features.FEATURE_VERSION} is measured here" in said and f"trained with version {features.FEATURE_VERSION - 1}" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.wav"]                      # and nothing was written


def test_loudness_of_another_version_is_named(tmp_path):
    run = changed_copy("violin", tmp_path / "run", loudness_version=loudness.LOUDNESS_VERSION + 1)
    with pytest.raises(ValueError, match=rf"loudness_version {loudness.LOUDNESS_VERSION} is measured here.*loudness_version {loudness.LOUDNESS_VERSION + 1}"):
        model.load(run)
    assert model.load(changed_copy("violin", tmp_path / "same")).config == model.load(runs.find_run("violin")).config


OTHER_RATE = "frame_rate is 100, the model needs 50"


@pytest.mark.parametrize("command", [("evaluate",), ("fit-prior",)], ids=" ".join)
def test_commands_refuse_another_data_set(command, tone_dataset, tmp_path, capsys):
    run = changed_copy("quartet", tmp_path / "run", frame_rate=50)
    assert cli.main([*command, str(run), "--dataset", str(tone_dataset.folder)]) == 1
    assert OTHER_RATE in capsys.readouterr().err


@pytest.mark.parametrize("use", [
    lambda net, d: metrics.reconstruction_report(net, d), lambda net, d: perceptual.perceptual_report(net, d), lambda net, d: latents.encode_dataset(net, d),
    lambda net, d: latents.z_use(net, d), lambda net, d: latent_paths.encode_paths(net, d), lambda net, d: instruments.learn_instruments(net, d)],
    ids=("reconstruction_report", "perceptual_report", "encode_dataset", "z_use", "encode_paths", "learn_instruments"))
def test_functions_refuse_another_data_set(use, tone_dataset, tmp_path):
    net = model.load(changed_copy("quartet", tmp_path / "run", frame_rate=50))
    with pytest.raises(ValueError, match=OTHER_RATE):
        use(net, tone_dataset)


def test_training_refuses_another_data_set(tone_dataset, tmp_path):
    config = model.configure(tone_dataset, features={**tone_dataset.features, "frame_rate": 50})
    with pytest.raises(ValueError, match=OTHER_RATE):
        training.fit(tone_dataset, config, tmp_path / "run", training.TrainConfig(steps=1), progress=False)


@pytest.mark.parametrize("run", runs.shipped_runs())
def test_shipped_z_models_load_on_the_cpu_and_need_no_other_features(run):
    net = model.load(runs.find_run(run))
    assert {p.device.type for p in net.parameters()} == {"cpu"} and not net.training and net.config.z_dims > 0
    f = net.config.features
    net.check_features(features.feature_definition(f["sample_rate"], f["frame_rate"], f["f0"]))
