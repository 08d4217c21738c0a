"""Reversed gradients, spectral envelopes at another pitch, FiLM, and the figures of the script that compares them on recordings."""
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from ddsp_course.invariance import FiLM, FiLMDecoder, envelope_loss, harmonic_envelope, reverse_gradient
from ddsp_course.model import Controls, Decoder, ModelConfig

ROOT = Path(__file__).resolve().parents[1]


def controls(f0_hz, envelope, n_harmonics=60, sr=16000, noise=None):
    "Two frames of harmonics that sample an envelope (a function of Hz)."
    f0 = torch.full((1, 2), f0_hz, dtype=torch.float64)
    at = f0[..., None] * torch.arange(1, n_harmonics + 1)
    return Controls(f0, envelope(at) * (at < sr / 2), noise, None)


SILENT, EVEN = torch.full((1, 2), -80.0, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)


@pytest.mark.parametrize("weight", [0.0, 0.5, 3.0])
def test_reversal_is_minus_the_numerical_gradient(weight):
    x = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    f = lambda v: (v.sin() * v.square()).sum()
    assert torch.equal(reverse_gradient(x, weight), x)
    (found,) = torch.autograd.grad(f(reverse_gradient(x, weight)), x)
    steps = 1e-6 * torch.eye(5, dtype=torch.float64)
    numerical = torch.stack([(f(x + s) - f(x - s)) / 2e-6 for s in steps]).detach()
    assert torch.allclose(found, -weight * numerical, atol=1e-8)
    if weight:
        assert not torch.allclose(found, weight * numerical, atol=1e-3)


def test_two_reversals_cancel_and_a_negative_weight_is_refused():
    x = torch.randn(4, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert gradcheck(lambda v: reverse_gradient(reverse_gradient(v, 0.5), 2.0).pow(3), (x,))
    for weight in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="weight must be at least 0"):
            reverse_gradient(x, weight)


def test_envelope_is_numpy_interpolation():
    g = torch.Generator().manual_seed(2)
    amplitudes, f0_hz = torch.rand(2, 3, 9, generator=g) + 0.1, 150 + 200 * torch.rand(2, 3, generator=g)
    grid = torch.linspace(120, 2500, 40)
    level, known = harmonic_envelope(amplitudes, f0_hz, grid)
    for b in range(2):
        for t in range(3):
            at = (f0_hz[b, t] * torch.arange(1, 10)).numpy()
            wanted = np.interp(grid.numpy(), at, np.log(amplitudes[b, t].numpy() + 1e-5))
            inside = (grid.numpy() >= at[0]) & (grid.numpy() <= at[-1])
            assert (known[b, t].numpy() == inside).all() and 0 < inside.sum() < 40
            np.testing.assert_allclose(level[b, t].numpy()[inside], wanted[inside], rtol=1e-4, atol=1e-4)


def test_envelope_ends_below_half_the_sample_rate():
    _, known = harmonic_envelope(torch.ones(1, 1, 60), torch.full((1, 1), 1000.0), torch.tensor([900.0, 1000.0, 6900.0, 7100.0]))
    assert known.flatten().tolist() == [False, True, True, False]          # harmonic 8 lies at 8000 Hz and is silent


@pytest.mark.parametrize("amplitudes, f0_hz", [(torch.ones(1, 2, 1), torch.ones(1, 2)), (torch.ones(2, 5), torch.ones(2)), (torch.ones(1, 2, 4), torch.ones(1, 3))])
def test_envelope_refuses_wrong_shapes(amplitudes, f0_hz):
    with pytest.raises(ValueError, match="amplitudes must be"):
        harmonic_envelope(amplitudes, f0_hz, torch.tensor([500.0]))


def test_loss_is_zero_for_one_envelope_at_two_pitches_and_any_level():
    slope = lambda f: torch.exp(-f / 1500)
    own, other = controls(200.0, slope), controls(310.0, lambda f: 0.2 * slope(f))
    assert envelope_loss(own, other, EVEN, EVEN) < 1e-2
    steeper = controls(310.0, lambda f: torch.exp(-f / 750))
    assert envelope_loss(own, steeper, EVEN, EVEN) > 0.5


def test_a_pattern_tied_to_harmonic_numbers_is_not_one_envelope():
    odd = lambda f0: (lambda f: torch.where((f / f0).round() % 2 == 1, 1.0, 0.05).double())
    assert envelope_loss(controls(150.0, odd(150.0)), controls(400.0, odd(400.0)), EVEN, EVEN) > 0.3


def test_frames_count_as_loud_as_they_are():
    flat, steep = controls(200.0, lambda f: torch.ones_like(f)), controls(200.0, lambda f: torch.exp(-f / 800))
    mixed = flat._replace(amplitudes=torch.stack([flat.amplitudes[:, 0], steep.amplitudes[:, 1]], 1))
    first_loud, second_loud = (torch.tensor([db], dtype=torch.float64) for db in ((0.0, -80.0), (-80.0, 0.0)))
    assert envelope_loss(flat, mixed, EVEN, first_loud) < 1e-2 < envelope_loss(flat, mixed, EVEN, second_loud)


def test_gradient_goes_to_the_other_performance_only():
    g = torch.Generator().manual_seed(3)
    a, b = (torch.rand(1, 2, 60, generator=g, dtype=torch.float64).add(0.2).requires_grad_() for _ in range(2))
    f0 = torch.tensor([[220.0, 230.0]], dtype=torch.float64)
    loss = lambda own, other: envelope_loss(Controls(f0, own, None, None), Controls(f0 * 1.37, other, None, None), EVEN, EVEN, n_bands=7)
    loss(a, b).backward()
    assert a.grad is None and b.grad.abs().sum() > 0
    assert gradcheck(lambda other: loss(a.detach(), other), (b,))


def test_noise_filters_are_compared_too():
    slope, flat = torch.exp(-torch.linspace(0, 3, 65, dtype=torch.float64)).expand(1, 2, 65), torch.ones(1, 2, 65, dtype=torch.float64)
    tone = lambda noise: controls(200.0, lambda f: torch.ones_like(f), noise=noise)
    assert envelope_loss(tone(flat), tone(0.1 * flat), EVEN, EVEN) < 1e-2 < 0.3 < envelope_loss(tone(flat), tone(slope), EVEN, EVEN)


def test_film_changes_nothing_at_first_and_then_scales_and_shifts():
    film, g = FiLM(3, 5), torch.Generator().manual_seed(4)
    h, z = torch.randn(2, 7, 5, generator=g), torch.randn(2, 1, 3, generator=g)
    assert torch.equal(film(h, z), h)
    torch.nn.init.normal_(film.to_both.weight, generator=g)
    w = film.to_both.weight.detach()
    assert torch.allclose(film(h, z), h * (1 + z @ w[:5].T) + z @ w[5:].T, atol=1e-5)


def test_film_decoder_starts_as_the_plain_one_and_learns_through_its_second_door():
    config, g = ModelConfig(hidden=16, z_dims=2, n_harmonics=8, n_noise=5), torch.Generator().manual_seed(5)
    plain, filmed = Decoder(config), FiLMDecoder(config)
    filmed.load_state_dict(plain.state_dict(), strict=False)
    f0_hz, loudness_db, z = torch.full((2, 6), 300.0), torch.full((2, 6), -30.0), torch.randn(2, 2, generator=g)
    assert torch.allclose(filmed(f0_hz, loudness_db, z).amplitudes, plain(f0_hz, loudness_db, z).amplitudes, atol=1e-6)
    assert torch.allclose(filmed(f0_hz, loudness_db, z[:, None].expand(-1, 6, -1)).amplitudes, plain(f0_hz, loudness_db, z).amplitudes, atol=1e-6)
    filmed(f0_hz, loudness_db, z).amplitudes.square().sum().backward()
    assert filmed.film.to_both.weight.grad.abs().sum() > 0


@pytest.fixture(scope="module")
def script():
    "The script as a module."
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import real_sources
    finally:
        sys.path.pop(0)
    return real_sources


def test_overlap_of_ranges(script):
    low, high = torch.arange(50.5, 60.5), torch.arange(70.5, 80.5)
    assert script.overlap(low, low.repeat(3)) == pytest.approx(1) and script.overlap(low, high) == 0
    assert script.overlap(low, low + 5) == pytest.approx(0.5)


def test_notes_are_ordered_by_pitch(script):
    names = ["weresax_c4_f", "weresax_bb3_p", "weresax_b3_f", "weresax_bb3_f", "weresax_ab3_p", "weresax_a3_p"]
    ordered = sorted((Path(f"{n}_rr1_cnd.flac") for n in names), key=script.note_order)
    assert [p.stem.split("_")[1] for p in ordered] == ["ab3", "a3", "bb3", "bb3", "b3", "c4"]


def test_summary_counts_inside_and_outside_the_range(script):
    row = {"source": "a", "target": "b", "pitch": "own", "z": "target", "distance_db": None, "moved_db": 2.0}
    table = script.summarise([{**row, "hit": True, "inside": True}, {**row, "hit": False, "inside": False}, {**row, "hit": False, "inside": False}])["a|b|own|target"]
    assert table["hit"] == {"mean": 0.333, "n": 3} and table["hit_inside"]["mean"] == 1 and table["hit_outside"] == {"mean": 0, "n": 2}
    assert table["distance_db"] is None and table["moved_db"]["mean"] == 2


def test_balanced_share_counts_sources_alike(script):
    y = np.array(["a"] * 98 + ["b"] * 2)
    assert script.balanced(y, np.array(["a"] * 100)) == pytest.approx(0.5)


def test_adversary_within_a_source_is_not_rewarded_for_the_source(script):
    recordings = {name: [{"f0_hz": torch.full((50,), hz), "loudness_db": torch.linspace(-40, -20, 50)}] for name, hz in (("low", 110.0), ("high", 880.0))}
    z, which = torch.zeros(2, 3), torch.tensor([0, 1])
    batch = {"f0_hz": torch.tensor([[110.0], [880.0]]), "loudness_db": torch.full((2, 1), -30.0)}
    for within, wanted in ((False, 1.0), (True, 0.0)):                       # variance of the target, of which a constant explains nothing
        adversary = script.Adversary(recordings, 3, within)
        adversary.scale = adversary.scale.clamp(min=1e-3)
        for p in adversary.parameters():
            torch.nn.init.zeros_(p)
        assert float(adversary(z, batch, which, 1.0).detach()) == pytest.approx(wanted / 2, abs=1e-6)


@pytest.mark.parametrize("recipe", ["none", "adversary-within", "film-envelope"])
def test_script_trains_and_measures_on_tones(script, tone_dataset, recipe):
    recordings = script.load_training(tone_dataset)
    nets = [script.train(tone_dataset, recordings, recipe, 3, steps=2) for _ in range(2)]
    weights, again = (net.state_dict() for net in nets)
    assert all(torch.equal(weights[k], again[k]) for k in weights)            # same seed, same model
    judge = script.instrument_classifier(tone_dataset)
    real, pitch = script.windows_of(tone_dataset, judge, "train"), {g: float(script.voiced_midi(tone_dataset, g).median()) for g in ("low", "high")}
    table = script.summarise(script.swaps(nets[0], tone_dataset, judge, real, pitch, {g: (p - 3, p + 3) for g, p in pitch.items()}, draws=1))
    z = ("none",) if recipe == "none" else ("own", "target")
    assert set(table) == {f"{a}|{b}|{p}|{q}" for a, b in (("low", "high"), ("high", "low")) for p in ("own", "target") for q in z}
    assert all(cell["hit"]["n"] == 3 for cell in table.values())              # three seconds of one held-out recording
    assert table[f"low|high|target|{z[-1]}"]["hit_outside"] is None and table[f"low|high|own|{z[-1]}"]["hit_inside"] is None


def test_stored_figures_are_complete_and_small(script):
    path = ROOT / "data" / "results" / "real_sources.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 200_000
    assert {(m["recipe"], m["seed"]) for m in result["models"]} >= {(recipe, 0) for recipe in script.RECIPES}
    assert all(0 <= cell["hit"]["mean"] <= 1 for m in result["models"] for cell in m["swaps"].values())
