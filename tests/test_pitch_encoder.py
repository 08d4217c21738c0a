"""Learning the pitch: the transport distance, the encoder and its reading, the synthetic tones, and both kinds of training."""
import math

import pytest
import torch
from scipy.stats import wasserstein_distance

from ddsp_course import model
from ddsp_course.losses import multiscale_spectral_loss
from ddsp_course.metrics import f0_l1_midi
from ddsp_course.pitch import estimate_f0, hz_to_midi, midi_to_hz
from ddsp_course.pitch_encoder import (PITCH_BINS, PitchEncoder, crepe_distance, expected_midi, known_pitch_loss, pitch_errors, pretrain,
                                       spectral_transport, synthetic_tones, train_jointly)
from ddsp_course.stft import spectrogram

SR = 16000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def sine(f0_hz, seconds=0.3):
    return 0.5 * torch.sin(2 * math.pi * f0_hz * torch.arange(int(seconds * SR), dtype=torch.float64) / SR)


def small_encoder(seed=0, **choices):
    torch.manual_seed(seed)
    return PitchEncoder(SR, 160, **{"hidden": 32, "n_blocks": 1, **choices})


def test_transport_is_scipys_wasserstein_distance():
    y, x = (torch.randn(2, 3000, generator=generator(i), dtype=torch.float64).cumsum(-1) for i in (1, 2))
    power = [spectrogram(a, 512, 256, power=2.0) for a in (y, x)]
    hz = torch.arange(257) * SR / 512
    whole = [f for f in range(power[0].shape[-1]) if 256 <= 256 * f <= 3000 - 256]
    wanted = [wasserstein_distance(hz, hz, power[0][b, :, f], power[1][b, :, f]) for b in range(2) for f in whole]
    assert float(spectral_transport(y, x, SR, 512, 256)) == pytest.approx(sum(wanted) / len(wanted), rel=1e-4)


def test_transport_between_sines_is_the_distance_in_hz():
    for f0 in (300.0, 440.0, 1000.0, 3000.0):
        assert float(spectral_transport(sine(f0), sine(440.0), SR)) == pytest.approx(abs(f0 - 440), abs=1)


def test_transport_ignores_level_and_silence_costs_nothing():
    y, x = sine(300.0), sine(500.0)
    assert float(spectral_transport(0.1 * y, x, SR)) == pytest.approx(float(spectral_transport(y, x, SR)), rel=1e-3)
    assert float(spectral_transport(0 * y, 0 * x, SR)) == 0


def test_slope_of_transport_points_to_the_target_where_that_of_the_spectral_loss_does_not():
    right = {"transport": 0, "spectral": 0}
    for semitones in (-20.5, -13.0, -7.3, -3.1, 2.2, 5.0, 8.4, 11.6, 15.2, 19.9):
        for name, loss in (("transport", lambda y, x: spectral_transport(y, x, SR)), ("spectral", multiscale_spectral_loss)):
            f0 = torch.tensor(440 * 2 ** (semitones / 12), dtype=torch.float64, requires_grad=True)
            slope, = torch.autograd.grad(loss(sine(f0, 1.0), sine(440.0, 1.0)), f0)
            right[name] += int(float(slope) * semitones > 0)
    assert right["transport"] == 10 and right["spectral"] <= 7


def test_gradient_of_transport():
    y, x = (torch.randn(1, 48, generator=generator(i), dtype=torch.float64) for i in (1, 2))
    assert torch.autograd.gradcheck(lambda a: spectral_transport(a, x, SR, 16, 8), y.requires_grad_())


def test_bins_and_expectation_of_one_hot_activations():
    assert len(PITCH_BINS) == 128 and PITCH_BINS[0] == 32 and PITCH_BINS[-1] == 95.5
    one_hot = torch.eye(128, dtype=torch.float64)
    for reach in (None, 0, 4):
        assert torch.equal(expected_midi(one_hot, reach), PITCH_BINS.double())
    assert float(expected_midi(3 * one_hot[10] + one_hot[12])) == pytest.approx(37.25)      # any scale, weighted


def test_reach_leaves_out_the_other_octave():
    activations = torch.zeros(2, 128)
    activations[:, 50], activations[:, 51], activations[:, 74] = 0.6, 0.6, 0.5
    assert torch.allclose(expected_midi(activations, 4), torch.tensor([57.25, 57.25]))
    assert (expected_midi(activations) > 58).all()
    edge = torch.zeros(128)
    edge[:2] = 1.0
    assert float(expected_midi(edge, 4)) == 32.25


def test_gradients_of_reading_and_loss():
    activations = torch.rand(3, 128, generator=generator(), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(expected_midi, activations)
    assert torch.autograd.gradcheck(lambda a: expected_midi(a, 3), activations)
    f0 = torch.tensor([100.0, 440.0, 1000.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a: known_pitch_loss(a / a.sum(-1, keepdim=True), f0), activations)


def test_known_pitch_loss_is_least_at_the_pitch():
    f0 = midi_to_hz(torch.tensor([60.0]))
    def loss(midi): return float(known_pitch_loss(torch.softmax(-2 * (midi - PITCH_BINS[None]).square(), -1), f0))
    losses = [loss(60 + d) for d in (-2, -0.5, 0, 0.5, 2)]
    assert losses[2] < losses[1] < losses[0] and losses[2] < losses[3] < losses[4]


def test_encoder_shapes_sums_and_level():
    encoder, audio = small_encoder(), torch.randn(3, 4001, generator=generator())
    activations = encoder(audio)
    assert activations.shape == (3, 26, 128) and (activations >= 0).all()
    assert torch.allclose(activations.sum(-1), torch.ones(3, 26))
    assert torch.allclose(encoder.f0_hz(audio), midi_to_hz(expected_midi(activations)))
    assert torch.allclose(encoder(10 * audio), activations, atol=1e-4)
    silent = encoder.f0_hz(torch.zeros(1, 1600))
    assert torch.isfinite(silent).all() and (silent > 50).all() and (silent < 2100).all()


def test_encoder_in_float64_has_the_gradient_of_finite_differences():
    encoder = small_encoder(hidden=4, n_mels=8, n_fft=64).double()
    encoder.hop_length = 32
    audio = torch.randn(1, 96, generator=generator(), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: encoder.f0_hz(a), audio)


def test_synthetic_tones_have_the_pitch_they_say():
    audio, f0_hz = synthetic_tones(generator(5), 12, 60, SR, 160)
    assert audio.shape == (12, 9600) and f0_hz.shape == (12, 60)
    midi = hz_to_midi(f0_hz)
    assert (midi >= 34 - 1e-3).all() and (midi <= 94 + 1e-3).all() and midi[:, 0].std() > 10
    tracks = [estimate_f0(sound, SR, 100, "crepe-tiny").f0_hz for sound in audio]
    near = [((12 * torch.log2(track.clamp_min(1) / f0)).abs() < 0.7)[10:50].float().mean() for track, f0 in zip(tracks, f0_hz)]
    assert sum(share > 0.9 for share in near) >= 10          # noise as loud as the tone may hide one


def test_synthetic_tones_are_repeatable_and_differ():
    (a, f), (b, g), (c, _) = (synthetic_tones(generator(seed), 4, 10) for seed in (1, 1, 2))
    assert torch.equal(a, b) and torch.equal(f, g) and not torch.equal(a, c)


def test_pretraining_learns_the_pitch_of_tones_it_has_not_heard():
    encoder = small_encoder(hidden=64)
    audio, f0_hz = synthetic_tones(generator(99), 64, 12)
    def error():
        with torch.no_grad():
            return float((expected_midi(encoder(audio)) - hz_to_midi(f0_hz)).abs().mean())
    before = error()
    losses = pretrain(encoder, 60, n_tones=48, n_frames=8, learning_rate=5e-3)
    assert len(losses) == 60 and sum(losses[-10:]) < 0.75 * sum(losses[:10])
    assert error() < 0.75 * before


def test_pretraining_is_repeatable():
    first, second, other = (pretrain(small_encoder(), 2, n_tones=4, n_frames=8, seed=seed) for seed in (1, 1, 2))
    assert first == second != other


def test_joint_training_moves_both_networks_and_is_repeatable(tone_dataset):
    def trained(**choices):
        torch.manual_seed(0)
        encoder, net = PitchEncoder(SR, 160, hidden=16, n_blocks=1), model.DDSP(model.configure(tone_dataset, z=False, hidden=16, n_harmonics=8))
        first = [p.detach().clone() for p in (encoder.last.weight, net.decoder.amplitude.weight)]
        losses = train_jointly(tone_dataset, net, encoder, steps=3, batch_size=2, crop_seconds=0.5, **choices)
        return losses, [not torch.equal(a, b) for a, b in zip(first, (encoder.last.weight, net.decoder.amplitude.weight))]
    losses, moved = trained()
    assert moved == [True, True] and losses == trained()[0]
    more = trained(extra=lambda y, x, g: spectral_transport(y, x, SR) / 100)[0]
    assert more[0] > losses[0]                               # the same first step, and the further loss on top


def test_joint_training_without_encoder_uses_the_given_pitch(tone_dataset):
    torch.manual_seed(0)
    net = model.DDSP(model.configure(tone_dataset, z=False, hidden=16, n_harmonics=8))
    losses = train_jointly(tone_dataset, net, steps=25, batch_size=2, crop_seconds=0.5)
    assert losses[-1] < losses[0]


def test_loss_that_is_not_finite_stops_training(tone_dataset):
    net = model.DDSP(model.configure(tone_dataset, z=False, hidden=16, n_harmonics=8))
    with pytest.raises(FloatingPointError, match="learning_rate"):
        train_jointly(tone_dataset, net, steps=1, batch_size=1, crop_seconds=0.2, extra=lambda y, x, g: y.sum() * math.nan)


def test_crepe_distance_is_zero_for_equal_sounds_and_its_gradient_lowers_it():
    x = sine(440.0).float()[None]
    y = (sine(470.0).float()[None] + 0).requires_grad_()
    assert float(crepe_distance(x, x, generator())) == 0
    distance = crepe_distance(y, x, generator())
    slope, = torch.autograd.grad(distance, y)
    with torch.no_grad():
        lower = crepe_distance(y - 1e-3 * slope / slope.norm(), x, generator())
        change = float(lower - distance)
    assert change == pytest.approx(-1e-3 * float(slope.norm()), rel=0.2)


def test_pitch_errors():
    reference = torch.full((800,), 440.0)
    estimate = reference.clone()
    estimate[:400] *= 2 ** (0.2 / 12)                        # a fifth of a semitone sharp
    estimate[400:] *= 4                                      # two octaves high: an outlier clip
    errors = pitch_errors(reference, estimate, torch.ones(800, dtype=torch.bool), 100)
    assert errors["f0_l1_midi"] == pytest.approx(0.2, abs=1e-4) and errors["f0_outliers"] == 0.5
    assert errors["raw_pitch_accuracy"] == 0.5 and errors["octave_free_accuracy"] == 1.0
    judged = torch.arange(800) < 400
    errors = pitch_errors(reference, estimate, judged, 100)
    assert errors["f0_outliers"] == 0 and errors["median_midi"] == pytest.approx(0.2, abs=1e-4)
    assert errors["f0_l1_midi"] == pytest.approx(f0_l1_midi(reference, estimate, judged, 400))


@pytest.mark.parametrize("call, message", [
    (lambda: spectral_transport(torch.zeros(4000), torch.zeros(4001), SR), "same shape"),
    (lambda: spectral_transport(torch.zeros(2000), torch.zeros(2000), SR), "n_fft = 2048"),
    (lambda: spectral_transport(torch.full((4000,), math.nan), torch.zeros(4000), SR), "y"),
    (lambda: expected_midi(torch.ones(3, 127)), "128 values"),
    (lambda: small_encoder()(torch.zeros(1600)), r"\[B, T\]"),
    (lambda: small_encoder()(torch.full((1, 1600), math.nan)), "audio"),
    (lambda: small_encoder()(torch.zeros(1, 0)), "audio"),
    (lambda: PitchEncoder(16000, 0), "hop_length"),
    (lambda: small_encoder(n_blocks=0), "n_blocks"),
    (lambda: crepe_distance(torch.zeros(1, 1000), torch.zeros(1, 1000), generator()), "1024"),
    (lambda: crepe_distance(torch.zeros(1, 2000), torch.zeros(2, 2000), generator()), r"\(2, 2000\)"),
])
def test_errors_name_the_parameter(call, message):
    with pytest.raises(ValueError, match=message):
        call()
