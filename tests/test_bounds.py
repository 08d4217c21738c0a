"""Bounds of a resynthesis: recovered controls, least squares, upper bounds, mean controls, and the place between."""
import math
import types

import numpy as np
import pytest
import torch

from ddsp_course import data, model
from ddsp_course.bounds import FreeControls, MeanControls, analyse_controls, mean_controls, place, reference_report, refine_controls
from ddsp_course.harmonic import angular_phase, tone
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.loudness import loudness_db
from ddsp_course.metrics import UNITS, resynthesize
from ddsp_course.noise import filtered_noise

SR = 16000


def config(hop=160, harmonics=8, noise=65):
    return model.ModelConfig(sample_rate=SR, hop_length=hop, n_harmonics=harmonics, n_noise=noise)


def moving_tone(base_hz, frames=120, hop=160, harmonics=8, seed=0):
    "f0 [F] with vibrato, slowly moving amplitudes [F, K] and the sound."
    t = torch.arange(frames) * hop / SR
    f0 = base_hz * 2 ** (0.3 / 12 * torch.sin(2 * math.pi * 5 * t))
    phase = torch.rand(harmonics, generator=torch.Generator().manual_seed(seed))
    amplitudes = 0.1 / torch.arange(1, harmonics + 1) * (1 + 0.4 * torch.sin(2 * math.pi * (0.7 * t[:, None] + phase)))
    return f0, amplitudes, tone(f0, amplitudes, SR, hop)


@pytest.mark.parametrize("base_hz, hop", [(60.0, 160), (220.0, 160), (440.0, 64), (950.0, 160), (70.0, 64)])
def test_amplitudes_of_a_known_sound_are_recovered(base_hz, hop):
    f0, amplitudes, sound = moving_tone(base_hz, hop=hop, frames=120 * 160 // hop)
    found = analyse_controls(sound, f0, config(hop))
    inner = slice(12, -12)
    assert found.amplitudes.shape == (1, len(f0), 8) and found.noise_magnitudes.shape == (1, len(f0), 65)
    assert (20 * torch.log10(found.amplitudes[0] / amplitudes))[inner].abs().max() < 0.5
    assert found.noise_magnitudes[0, inner].max() < 10 ** (-50 / 20)


def test_projection_equals_least_squares():
    f0, _, sound = moving_tone(200.0)
    sound = sound + 0.01 * torch.randn(len(sound), generator=torch.Generator().manual_seed(1))
    i, half = 60, 160                                                   # 4 periods of 80 samples
    window = torch.hann_window(2 * half, dtype=torch.float64).sqrt()[:, None]
    phase = angular_phase(f0[None], SR, 160)[0, i * 160 - half:i * 160 + half, None] * torch.arange(1, 9)
    columns = torch.cat([phase.cos(), phase.sin()], 1) * window
    p, q = np.linalg.lstsq(columns.numpy(), (sound[i * 160 - half:i * 160 + half, None].double() * window).numpy(), rcond=None)[0][:, 0].reshape(2, 8)
    assert np.allclose(np.hypot(p, q), analyse_controls(sound, f0, config()).amplitudes[0, i].numpy(), rtol=0.03, atol=3e-4)


@pytest.mark.parametrize("n_noise, hop", [(65, 160), (33, 64), (9, 100)])
def test_filter_of_pure_noise_is_recovered(n_noise, hop):
    "In voiced-like frames far from the harmonics; f0 is 100 Hz with one harmonic, so only the lowest band loses noise."
    shape = 0.05 * torch.linspace(1.0, 0.2, n_noise)
    frames = 3 * SR // hop
    hiss = filtered_noise(shape.expand(1, frames, n_noise).contiguous(), hop, torch.Generator().manual_seed(0))[0]
    found = analyse_controls(hiss, torch.full((frames,), 100.0), config(hop, 1, n_noise)).noise_magnitudes[0].square().mean(0).sqrt()
    assert (20 * torch.log10(found / shape))[n_noise // 8 + 1:-1].abs().max() < 0.7


def test_nothing_above_half_the_sample_rate_and_no_noise_part_without_one():
    f0, _, sound = moving_tone(990.0)
    found = analyse_controls(sound, f0, config(harmonics=20, noise=0))
    assert found.noise_magnitudes is None
    above = f0[:, None] * torch.arange(1, 21) >= SR / 2
    assert above.any() and not found.amplitudes[0][above].any()


def test_silence_has_zero_controls_and_stays_silent():
    net = model.DDSP(config())
    silent, f0 = torch.zeros(1590), torch.full((10,), 200.0)
    found = refine_controls(analyse_controls(silent, f0, net.config), silent, net, steps=2)
    assert not found.amplitudes.any() and not found.noise_magnitudes.any()
    assert not net.synthesize(found).any()


@pytest.mark.parametrize("audio, f0, message", [
    (torch.zeros(1600), torch.full((11,), 200.0), "ceil"), (torch.zeros(1, 1600), torch.full((10,), 200.0), "audio"),
    (torch.zeros(1600), torch.zeros(10), "above 0"), (torch.zeros(1600), torch.full((10,), math.nan), "f0_hz"),
    (torch.full((1600,), math.nan), torch.full((10,), 200.0), "audio"),
])
def test_bad_input_is_refused(audio, f0, message):
    with pytest.raises(ValueError, match=message):
        analyse_controls(audio, f0, config())


@pytest.mark.parametrize("variant", list(model.VARIANTS))
def test_descent_never_ends_above_its_start(variant, tone_dataset):
    "From the analysis and from a network's own controls, with and without noise and room; the network's weights stay."
    torch.manual_seed(0)
    net = model.DDSP(model.configure(tone_dataset, variant, n_harmonics=12, reverb_seconds=0.2))
    x = tone_dataset.crop(tone_dataset.split("test")[0], 0, 100)
    with torch.no_grad():
        own = net({name: x[name][None] for name in ("f0_hz", "loudness_db", "mfcc")})
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for start, most in ((analyse_controls(x["audio"], x["f0_hz"], net.config), 1.001), (own, 0.95)):     # the analysis of these tones is nearly perfect
        loss = [float(multiscale_spectral_loss(net.synthesize(c, torch.Generator().manual_seed(5))[0].detach(), x["audio"]))
                for c in (start, refine_controls(start, x["audio"], net, steps=15))]
        assert loss[1] <= most * loss[0]
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items()) and all(p.grad is None for p in net.parameters())


def test_refinement_is_repeatable_and_zero_steps_change_nothing():
    net, (f0, _, sound) = model.DDSP(config()), moving_tone(220.0, frames=50)
    start = analyse_controls(sound, f0, net.config)
    assert torch.equal(refine_controls(start, sound, net, steps=0).amplitudes, start.amplitudes)
    first, second = (refine_controls(start, sound, net, steps=3, seed=4) for _ in range(2))
    assert torch.equal(first.amplitudes, second.amplitudes) and torch.equal(first.noise_magnitudes, second.noise_magnitudes)


def test_references_play_in_pieces_and_without_gradients(tone_dataset):
    net = model.DDSP(model.configure(tone_dataset, n_harmonics=12))
    x = tone_dataset.get(tone_dataset.split("test")[0])
    for reference in (FreeControls(net, steps=2), MeanControls(net, tone_dataset)):
        for seconds in (1.0, 60.0):
            parts = resynthesize(reference, x, piece_seconds=seconds)
            assert parts["wet"].shape == x["audio"].shape and not parts["wet"].requires_grad and parts["wet"].any()


def test_mean_controls_are_the_mean_of_voiced_training_frames(tone_dataset):
    settings = model.configure(tone_dataset, n_harmonics=12)
    amplitudes, noise = mean_controls(tone_dataset, settings)
    frames = []
    for i in tone_dataset.split("train"):
        x = tone_dataset.get(i)
        frames.append(analyse_controls(x["audio"], x["f0_hz"], settings).amplitudes[0][x["confidence"] > 0])
    assert torch.allclose(amplitudes, torch.cat(frames).mean(0), rtol=1e-4) and amplitudes.shape == (12,) and noise.shape == (65,)


def test_level_follows_the_loudness(tone_dataset):
    net = model.DDSP(model.configure(tone_dataset, "harmonic", n_harmonics=8))
    rung = MeanControls(net, tone_dataset, follow_loudness=True)
    f0, wanted = torch.full((100,), 300.0), torch.linspace(-40, -15, 100)
    parts = resynthesize(rung, {"f0_hz": f0, "loudness_db": wanted, "mfcc": torch.zeros(100, 30), "audio": torch.zeros(16000)})
    assert (loudness_db(parts["wet"], SR, 100) - wanted)[5:-5].abs().max() < 0.5


def test_no_voiced_frame_to_average():
    unvoiced = {"audio": torch.zeros(1600), "f0_hz": torch.full((10,), 100.0), "confidence": torch.zeros(10)}
    dataset = types.SimpleNamespace(split=lambda name: [0], get=lambda i: unvoiced)
    with pytest.raises(ValueError, match="voiced"):
        mean_controls(dataset, config())


def test_reports_have_the_keys_of_the_model_and_keep_their_order(tone_dataset):
    torch.manual_seed(0)
    net = model.DDSP(model.configure(tone_dataset, n_harmonics=12)).eval()
    found = reference_report(net, tone_dataset)
    assert set(found) == {"best", "worst"}
    for report in found.values():
        assert set(UNITS) <= set(report) and len(report["rows"]) == len(tone_dataset.split("test"))
    for name in ("multiscale_loss", "log_spectral_distance_db", "loudness_l1_db"):
        assert all(b[name] < w[name] for b, w in zip(found["best"]["rows"], found["worst"]["rows"]))


def test_place_is_a_ratio_of_means_with_its_interval():
    rng = np.random.default_rng(0)
    best, worst = rng.normal(2, 0.3, 200), rng.normal(10, 0.3, 200)
    own = worst - 0.75 * (worst - best) + rng.normal(0, 0.5, 200)
    found = place(own, best, worst)
    assert found["mean"] == pytest.approx((worst.mean() - own.mean()) / (worst.mean() - best.mean()))
    assert found["ci95"][0] < 0.75 < found["ci95"][1] and found["n"] == 200
    half = 1.96 * (own - worst + found["mean"] * (worst - best)).std() / 200 ** 0.5 / (worst - best).mean()      # delta method
    assert found["ci95"][1] - found["ci95"][0] == pytest.approx(2 * half, rel=0.15)
    assert place(-own, -best, -worst)["mean"] == pytest.approx(found["mean"])
    assert place(best, best, worst)["mean"] == 1 and place(worst, best, worst)["mean"] == 0


def test_place_where_the_measure_does_not_tell():
    rng = np.random.default_rng(1)
    best = rng.normal(1, 0.1, 12)
    assert place(best + 0.01, best, best + rng.normal(0, 0.1, 12))["mean"] is None
    assert place([0.0] * 3, [0.0] * 3, [0.0] * 3) == {"mean": None, "ci95": None, "n": 3}
    assert place([2.0, 2.0], [1.0, 3.0], [3.0, 1.0])["mean"] is None and place([2.0, 2.0], [1.0, 1.0], [3.0, 3.0]) == {"mean": 0.5, "ci95": None, "n": 2}
    assert place([None, 2.0], [1.0, 1.0], [3.0, 3.0])["n"] == 1 and place([None], [1.0], [2.0]) == {"mean": None, "ci95": None, "n": 0}
    assert place([], [], [])["n"] == 0
    with pytest.raises(ValueError):
        place([1.0], [1.0, 2.0], [1.0, 2.0])


@pytest.mark.parametrize("hop", [64, 160])
def test_free_controls_are_below_a_network_trained_for_the_loss(hop, tone_folder, tmp_path):
    "A small network, trained on the recording that is judged: still above the free controls."
    from ddsp_course import training

    dataset = data.prepare([tone_folder / "low"], tmp_path / "d", frame_rate=SR // hop, workers=1, progress=False, f0="crepe-tiny")
    settings = model.configure(dataset, n_harmonics=12, hidden=24)
    net = training.fit(dataset, settings, tmp_path / "run", training.TrainConfig(steps=20, batch_size=2, eval_every=20), progress=False)
    x = dataset.get(dataset.split("train")[0])
    own, free = (float(multiscale_spectral_loss(resynthesize(m, x)["wet"], x["audio"])) for m in (net, FreeControls(net)))
    assert free < own
