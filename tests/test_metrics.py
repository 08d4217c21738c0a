"""Measures of a resynthesis: known answers, mir_eval, bad input, and the report on an oracle model."""
import json
import math
import types

import mir_eval
import numpy as np
import pytest
import torch

from ddsp_course import metrics
from ddsp_course.metrics import (bootstrap_ci, f0_l1_midi, f0_outliers, held_notes, log_spectral_distance_db,
                                 loudness_l1_db, raw_pitch_accuracy, reconstruction_report, resynthesize, summary)


def noise(n=8000, seed=0):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed))


def test_lsd_of_a_copy_is_zero_and_of_a_gain_is_that_gain():
    x = noise()
    assert log_spectral_distance_db(x, x) == 0
    assert log_spectral_distance_db(x, 2 * x) == pytest.approx(20 * math.log10(2), abs=0.01)


def test_lsd_agrees_with_the_formula_in_numpy():
    import librosa
    x, y = noise(seed=1).numpy(), noise(seed=2).numpy()
    p, q = (np.abs(librosa.stft(a, n_fft=1024, hop_length=256, pad_mode='constant')) ** 2 for a in (x, y))
    floor = p.max() * 1e-8
    expected = np.sqrt(np.mean((10 * np.log10(np.maximum(p, floor) / np.maximum(q, floor))) ** 2, 0)).mean()
    assert log_spectral_distance_db(x, y) == pytest.approx(expected, rel=0.02)      # frames at the end may differ by one


def test_lsd_floor_hides_what_lies_below():
    x = torch.sin(2 * torch.pi * 1000 * torch.arange(16000) / 16000)
    hiss = 1e-6 * noise(16000)
    assert log_spectral_distance_db(x, x + hiss) < 0.1
    assert log_spectral_distance_db(x, x + hiss, floor_db=-160.0) > 1


@pytest.mark.parametrize('seed', range(4))
def test_raw_pitch_accuracy_equals_mir_eval(seed):
    rng = np.random.default_rng(seed)
    reference = 220 * 2 ** (rng.normal(0, 1, 500))
    estimate = reference * 2 ** (rng.normal(0, 60, 500) / 1200)
    reference[rng.random(500) < 0.2] = 0
    estimate[rng.random(500) < 0.2] = 0
    times = np.arange(500) / 250
    expected = mir_eval.melody.evaluate(times, reference, times, estimate)['Raw Pitch Accuracy']
    assert raw_pitch_accuracy(reference, estimate) == pytest.approx(expected, abs=1e-12)


def test_pitch_tolerance_is_strict():
    reference = np.full(3, 440.0)
    estimate = reference * 2 ** (np.array([49.9, 50.1, -50.1]) / 1200)
    assert raw_pitch_accuracy(reference, estimate) == pytest.approx(1 / 3)
    assert raw_pitch_accuracy(reference, 2 * reference, tolerance_cents=1200) == 0


def test_mask_chooses_the_frames():
    reference, estimate = torch.full((4,), 100.0), torch.tensor([100.0, 200.0, 100.0, 0.0])
    assert raw_pitch_accuracy(reference, estimate) == 0.5
    assert raw_pitch_accuracy(reference, estimate, torch.tensor([True, False, True, False])) == 1
    assert math.isnan(raw_pitch_accuracy(reference, estimate, torch.zeros(4, dtype=torch.bool)))


def test_f0_l1_leaves_outliers_out_and_counts_them():
    reference = np.full(400, 220.0)
    estimate = np.concatenate([np.full(100, 220 * 2 ** (1 / 12)), np.full(100, 220 / 2 ** (0.5 / 12)), np.full(100, 900.0), np.zeros(100)])
    assert f0_l1_midi(reference, estimate, clip_frames=100) == pytest.approx(0.75)
    assert f0_outliers(reference, estimate, clip_frames=100) == 0.5          # 900 Hz, and the clip without pitch


def test_clips_without_a_judged_frame_are_dropped():
    reference, mask = np.full(200, 220.0), np.arange(200) < 100
    assert f0_outliers(reference, np.where(mask, 220.0, 2000.0), mask, clip_frames=100) == 0
    assert math.isnan(f0_outliers(reference, reference, np.zeros(200, bool)))
    assert math.isnan(f0_l1_midi(np.zeros(5), np.zeros(5)))


def test_loudness_l1():
    assert loudness_l1_db([-10.0, -20.0, -80.0], [-11.0, -17.0, 0.0], [True, True, False]) == 2.0
    assert math.isnan(loudness_l1_db([0.0], [0.0], [False]))


def test_held_notes_need_length_pitch_and_voice():
    f0 = torch.full((200,), 300.0)
    everywhere = torch.ones(200, dtype=torch.bool)
    assert held_notes(f0, everywhere, 100).all()
    assert not held_notes(f0[:24], everywhere[:24], 100).any()                # 0.24 s
    vibrato = 300 * 2 ** (45 * torch.sin(torch.arange(200) / 5) / 1200)
    assert held_notes(vibrato, everywhere, 100).all()
    glide = 300 * 2 ** torch.linspace(0, 2, 200)                              # 100 cents in 8 frames
    assert not held_notes(glide, everywhere, 100).any()
    gap = everywhere.clone()
    gap[20:] = False
    assert not held_notes(f0, gap, 100).any()


def test_bootstrap_interval():
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_ci(values)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.02) and high == pytest.approx(values.mean() + half, abs=0.02)
    assert bootstrap_ci(values) == bootstrap_ci(values)
    assert bootstrap_ci([1.0, 2.0]) is None
    assert summary([1.0, None, math.nan, 3.0], 'dB') == {'mean': 2.0, 'ci95': None, 'unit': 'dB', 'n': 2}
    assert summary([None], 'dB')['mean'] is None


@pytest.mark.parametrize('call, message', [
    (lambda: log_spectral_distance_db(noise(10), noise(11)), 'one length'),
    (lambda: log_spectral_distance_db(noise(0), noise(0)), 'one length'),
    (lambda: log_spectral_distance_db(torch.zeros(4000), noise(4000)), 'silent'),
    (lambda: log_spectral_distance_db(noise(100) / 0, noise(100)), 'finite'),
    (lambda: raw_pitch_accuracy([100.0], [100.0, 1.0]), 'shape'),
    (lambda: raw_pitch_accuracy([100.0], [math.nan]), 'estimate_hz'),
    (lambda: f0_l1_midi([-1.0], [100.0]), 'reference_hz'),
    (lambda: loudness_l1_db([1.0], [1.0, 2.0]), 'shape'),
])
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class Oracle(torch.nn.Module):
    "A model whose copy is the recording itself times a gain."
    config = types.SimpleNamespace(sample_rate=16000, hop_length=64)

    def __init__(self, recording, gain=1.0):
        super().__init__()
        self.recording, self.gain, self.position = recording, gain, 0

    def forward(self, features):
        return features['f0_hz'].shape[1] * 64

    def check_features(self, features):
        assert features == {'f0': 'pyin'}

    def synthesize_parts(self, n, generator=None):
        piece = self.gain * self.recording[self.position:self.position + n]
        self.position += n
        piece = torch.nn.functional.pad(piece, (0, n - len(piece)))[None]
        return {'harmonic': piece, 'noise': 0.1 * piece, 'dry': piece, 'wet': piece}


class OneTone:
    "A data set of one recording: 1 s of a tone with five harmonics."
    sample_rate, frame_rate, hop_length, features = 16000, 250, 64, {'f0': 'pyin'}
    recordings = [types.SimpleNamespace(name='tone', group='synthetic', split='test')]

    def __init__(self):
        from ddsp_course.harmonic import tone
        from ddsp_course.loudness import loudness_db
        self.f0 = torch.full((250,), 300.0)
        audio = tone(self.f0, 0.1 / torch.arange(1, 6), 16000, 64)[:15990]
        self.features_of_it = {'audio': audio, 'f0_hz': self.f0, 'confidence': torch.ones(250), 'mfcc': torch.zeros(250, 30),
                               'loudness_db': loudness_db(audio, 16000, frame_rate=250)}

    def split(self, name):
        return [0] if name == 'test' else []

    def get(self, i):
        return self.features_of_it


def test_report_on_an_oracle_and_on_a_quiet_oracle():
    dataset = OneTone()
    perfect = reconstruction_report(Oracle(dataset.get(0)['audio']), dataset)
    assert perfect['multiscale_loss']['mean'] == 0 and perfect['log_spectral_distance_db']['mean'] == 0
    assert perfect['loudness_l1_db']['mean'] == 0 and perfect['raw_pitch_accuracy']['mean'] > 0.99
    assert perfect['f0_l1_midi']['mean'] < 0.1 and perfect['f0_outliers']['mean'] == 0
    assert perfect['harmonic_to_noise_db']['mean'] == pytest.approx(20)
    assert perfect['frames'] == perfect['held_frames'] == 250 and perfect['rows'][0]['name'] == 'tone'
    quiet = reconstruction_report(Oracle(dataset.get(0)['audio'], gain=0.5), dataset)
    assert quiet['loudness_l1_db']['mean'] == pytest.approx(6.02, abs=0.05)
    assert json.loads(json.dumps(quiet, allow_nan=False)) == quiet
    for name in metrics.UNITS:
        assert set(quiet[name]) == {'mean', 'ci95', 'unit', 'n'} and quiet[name]['ci95'] is None


def test_report_of_silence_has_no_pitch():
    dataset = OneTone()
    silent = reconstruction_report(Oracle(dataset.get(0)['audio'], gain=0.0), dataset)
    assert silent['f0_outliers']['mean'] == 1 and silent['raw_pitch_accuracy']['mean'] == 0
    assert silent['f0_l1_midi'] == {'mean': None, 'ci95': None, 'unit': 'semitones', 'n': 0}
    assert silent['harmonic_to_noise_db']['mean'] is None


def test_report_needs_recordings():
    with pytest.raises(ValueError, match='split'):
        reconstruction_report(Oracle(torch.zeros(1)), OneTone(), split='train')


def test_pieces_join_to_the_whole():
    dataset = OneTone()
    audio = dataset.get(0)['audio']
    for seconds in (0.5, 20.0):
        assert torch.equal(resynthesize(Oracle(audio), dataset.get(0), piece_seconds=seconds)['wet'], audio)
