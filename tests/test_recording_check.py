"""The check of recordings: each measurement against sounds whose answer is known, real recordings, bad input."""
import json

import matplotlib
import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

from ddsp_course import recording_check
from ddsp_course.audio_files import AudioFileError, read_audio
from ddsp_course.harmonic import tone
from ddsp_course.pitch import midi_to_hz
from ddsp_course.recording_check import (LEVELS_DB, MIDI, RecordingCheck, check_folder, check_recording, clipped_samples, compare_trackers,
                                         notes_and_dynamics, off_grid, plot_check, sine_over, summary, trim_silence)
from ddsp_course.recordings import bundled

matplotlib.use("Agg")
SR = 16000


def note(f0_hz, seconds=2.0, level=0.2, sr=SR):
    return tone(torch.full((int(100 * seconds),), f0_hz), level / torch.arange(1, 9), sr, sr // 100)


@pytest.fixture(scope="module")
def violin():
    return read_audio(bundled()["violin"][0])[0][:6 * SR]


@pytest.fixture(scope="module")
def checked(violin):
    return check_recording(violin, SR, "violin")


# ---- clipping

@pytest.mark.parametrize("gain", [1.0, 0.5, -0.2])
def test_clipped_samples_are_found_at_any_level(gain):
    x = np.sin(2 * np.pi * 441 * np.arange(SR) / SR)
    clipped = np.clip(x, -0.7, 0.7)
    assert (clipped_samples(gain * clipped) == (np.abs(x) >= 0.7)).mean() > 0.999
    assert not clipped_samples(gain * x).any()


def test_one_sided_clipping_and_single_peaks():
    x = 0.3 * np.sin(2 * np.pi * 100 * np.arange(SR) / SR)
    peaks = x.copy()
    peaks[[100, 500, 501]] = 0.9
    assert not clipped_samples(peaks).any()
    assert 0.3 < clipped_samples(np.minimum(x, 0.15)).mean() < 0.34           # a sine is above half its peak for a third of the time


@pytest.mark.parametrize("f_hz", [60, 110, 1000])
def test_a_16_bit_sine_at_any_level_is_not_clipped(f_hz):
    for level in (1.0, 0.1, 0.033, 0.001):
        x = np.round(level * 32767 * np.sin(2 * np.pi * f_hz * np.arange(SR) / SR + 0.3)) / 32768
        assert clipped_samples(x).mean() <= 0.0001, level


# ---- two trackers

def test_compare_trackers_keeps_octaves_apart():
    a = torch.tensor([440.0, 440, 440, 440, 440, 0, 440, 440])
    b = torch.tensor([440.0, 450, 880, 110, 660, 440, 0, 467])              # 39 cents, two octave errors, a fifth, 103 cents
    differ, octaves = compare_trackers(a, b)
    assert differ == pytest.approx(2 / 6) and octaves == pytest.approx(2 / 6)
    assert compare_trackers(torch.zeros(5), torch.ones(5)) == (0.0, 0.0)


# ---- a second tone

def test_off_grid_is_the_power_ratio_of_two_tones():
    "Pure tones at 300 and 450 Hz: the second has a known share of the power."
    t = torch.arange(2 * SR) / SR
    for level in (1.0, 0.5, 0.1):
        x = torch.sin(2 * torch.pi * 300 * t) + level * torch.sin(2 * torch.pi * 450 * t)
        share = off_grid(x, SR, torch.full((200,), 300.0))[10:-10]
        assert torch.allclose(share, torch.tensor(level ** 2 / (1 + level ** 2)), atol=2e-3)


def test_off_grid_of_one_tone_an_octave_and_silence():
    f0 = torch.full((200,), 220.0)
    assert off_grid(note(220.0), SR, f0)[10:-10].max() < 0.01
    assert off_grid(note(220.0) + note(440.0), SR, f0)[10:-10].max() < 0.01      # the blind spot, as documented
    assert (off_grid(torch.zeros(2 * SR), SR, f0) == 0).all()
    assert (off_grid(note(220.0), SR, torch.zeros(200)) == 0).all()


def test_off_grid_does_not_depend_on_its_chunks():
    x = note(220.0, 12.0) + note(300.0, 12.0)
    whole = off_grid(x, SR, torch.full((1200,), 220.0))
    late = off_grid(x[9 * SR:], SR, torch.full((300,), 220.0))
    assert torch.allclose(whole[920:1180], late[20:280], atol=1e-4)


def test_bundled_recordings_are_monophonic():
    for name, paths in bundled().items():
        audio, _ = read_audio(paths[0])
        check = check_recording(audio[:15 * SR], SR)
        assert check.polyphony <= 0.002, name
        assert check.warnings == [], name


@pytest.mark.parametrize("a,b", [("clarinet", "flute"), ("clarinet", "trumpet")])
def test_mixtures_are_flagged(a, b):
    x, y = (read_audio(bundled()[name][0])[0][:15 * SR] for name in (a, b))
    check = check_recording(0.05 * (x / x.std() + y / y.std()), SR)
    assert check.polyphony > 0.02 and any("second tone" in text for text in check.warnings)


@pytest.mark.parametrize("name,chords", [("mov6", False), ("mov8_part1", False), ("mov7_chords", True)])
def test_double_stops_of_a_real_violin(real_audio, name, chords):
    audio, _ = read_audio(real_audio / "violin_train" / f"violin_garner_bwv1002_{name}.flac")
    check = check_recording(audio[:30 * SR], SR)
    assert (check.polyphony > 0.03) if chords else (check.polyphony < 0.007)
    assert any("second tone" in text for text in check.warnings) == chords


# ---- pitch, loudness, coverage

def test_levels_of_a_known_sound():
    "A note of 1 kHz (A-weighting 0 dB), noise 50 dB softer in the pauses, a third of digital silence."
    t = torch.arange(SR) / SR
    sine = 0.5 * torch.sin(2 * torch.pi * 1000 * t)
    noise = torch.randn(SR, generator=torch.Generator().manual_seed(1))
    check = check_recording(torch.cat([sine, 1e-3 * noise, sine]), SR)
    assert check.loud_db == pytest.approx(20 * np.log10(0.5) - 3.01, abs=0.1)
    assert check.silence == pytest.approx(1 / 3, abs=0.02) and check.voiced == pytest.approx(2 / 3, abs=0.04)
    assert -64 < check.noise_db < -58                                        # -60 dB of white noise, less by A-weighting, and its scatter
    assert not any("pauses" in text for text in check.warnings)
    assert any("pauses" in text for text in check_recording(torch.cat([sine, 0.05 * noise, sine]), SR).warnings)


def test_digital_silence_is_not_a_noise_floor():
    noise = 1e-3 * torch.randn(SR, generator=torch.Generator().manual_seed(2))
    room = check_recording(torch.cat([noise, note(330.0)]), SR)
    cut = check_recording(torch.cat([torch.zeros(2 * SR), noise, note(330.0)]), SR)
    assert cut.noise_db == pytest.approx(room.noise_db, abs=1.0)
    assert check_recording(torch.cat([torch.zeros(2 * SR), note(330.0)]), SR).noise_db is None


def test_coverage_counts_seconds_at_the_right_cell():
    notes = {57: 0.05, 64: 0.2, 69: 0.2}
    audio = torch.cat([note(midi_to_hz(float(m)).item(), 2.0, level) for m, level in notes.items()])
    check = check_recording(audio, SR)
    seconds = dict(zip(MIDI.tolist(), check.coverage.sum(1)))
    for midi in notes:
        assert seconds[midi] == pytest.approx(2.0, abs=0.15)
    assert check.coverage.sum() <= check.seconds
    for midi in notes:
        part = check.tracks["loudness_db"][200 * list(notes).index(midi):][50:150]
        column = check.coverage[list(MIDI).index(midi)].argmax()
        assert LEVELS_DB[column] - 0.5 <= part.median() <= LEVELS_DB[column] + 5.5


def test_half_the_amplitude_is_six_decibels(violin, checked):
    softer = check_recording(violin / 2, SR)
    heard = checked.tracks["loudness_db"] > -70
    assert torch.allclose((softer.tracks["loudness_db"] - checked.tracks["loudness_db"])[heard], torch.tensor(-6.0206), atol=1e-3)
    assert softer.loud_db == pytest.approx(checked.loud_db - 6.0206, abs=1e-3)
    assert (softer.polyphony, softer.clipped) == (checked.polyphony, checked.clipped)


def test_notes_and_dynamics():
    coverage = RecordingCheck().coverage
    assert notes_and_dynamics(coverage) == (0, 0.0)
    coverage[10, 5], coverage[11, 9], coverage[12, 6] = 1.0, 1.0, 0.2
    assert notes_and_dynamics(coverage) == (2, 20.0)                         # cells 5 to 9


# ---- sine and page

def test_sine_over_has_the_pitch_and_the_level(violin, checked):
    sine = sine_over(torch.zeros_like(violin), checked)
    middle = checked.tracks["loudness_db"].argmax().item()
    piece = sine[middle * 160 - 512:middle * 160 + 512].numpy()
    freqs, power = scipy.signal.periodogram(piece, SR, "hann", nfft=1 << 16)
    assert 1200 * abs(np.log2(freqs[power.argmax()] / checked.tracks["crepe_hz"][middle].item())) < 30
    level = 10 * np.log10(np.mean(piece ** 2))
    assert level == pytest.approx(checked.tracks["loudness_db"][middle - 3:middle + 4].mean().item() - 6, abs=1.0)
    assert (sine_over(violin * 0, RecordingCheck(seconds=6.0, sample_rate=SR, tracks={**checked.tracks, "crepe_hz": torch.zeros(600)})) == 0).all()


def test_sine_over_refuses_what_was_not_checked(violin, checked):
    with pytest.raises(ValueError, match="track must be"):
        sine_over(violin, checked, "crepe")
    with pytest.raises(ValueError, match="audio must be what was checked"):
        sine_over(violin[:SR], checked)


def test_page_of_plots(violin, checked):
    fig = plot_check(checked, violin)
    assert [ax.get_title() for ax in fig.axes[:4]] and fig.axes[3].get_title() == "Coverage"
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in fig.axes[:4])
    matplotlib.pyplot.close(fig)
    with pytest.raises(ValueError, match="not measured: broken"):
        plot_check(RecordingCheck("x", error="broken"), violin)


def test_to_dict_is_json_and_adds_up(checked):
    plain = json.loads(json.dumps(checked.to_dict()))
    assert plain["name"] == "violin" and plain["seconds"] == 6.0 and "tracks" not in plain
    assert sum(seconds for *_, seconds in plain["coverage"]) == pytest.approx(checked.coverage.sum(), abs=1e-6)


def test_every_warning_names_measurement_limit_and_advice():
    check = RecordingCheck(clipped=0.5, voiced=0.1, silence=0.9, disagreement=0.5, octave_errors=0.5, polyphony=0.5, loud_db=-20.0, noise_db=-30.0)
    warnings = recording_check._warnings(check)
    assert len(warnings) == 7
    assert all(("at most" in text or "at least" in text) and (":" in text) and any(c.isdigit() for c in text) for text in warnings)
    assert recording_check._warnings(RecordingCheck(voiced=0.9, loud_db=-20.0, noise_db=-60.0)) == []


# ---- bad input, folders

@pytest.mark.parametrize("audio,error,text", [
    (torch.zeros(0), ValueError, "audio"), (torch.full((SR,), float("nan")), ValueError, "audio"), (torch.zeros(SR, dtype=torch.int16), TypeError, "audio"),
    (torch.zeros(SR), AudioFileError, "silent"), (torch.ones(1), AudioFileError, "too short"), (1e25 * torch.ones(SR), AudioFileError, "full scale"), (torch.rand(SR, 2), ValueError, "channels first")])
def test_bad_audio(audio, error, text):
    with pytest.raises(error, match=text):
        check_recording(audio, SR)


@pytest.mark.parametrize("sr", [0, -1, 4000, 22050, 16000.5, float("nan")])
def test_bad_rates(sr):
    with pytest.raises(ValueError, match="sr must"):
        check_recording(torch.rand(SR), sr)


def test_stereo_is_the_mean_and_other_rates_agree():
    x = note(330.0, 1.0)
    mono, stereo = check_recording(x, SR), check_recording(torch.stack([1.5 * x, 0.5 * x]), SR)
    assert mono.to_dict() == stereo.to_dict()
    high = check_recording(note(330.0, 1.0, sr=44100), 44100)
    assert high.loud_db == pytest.approx(mono.loud_db, abs=0.1) and (high.coverage.sum(1).argmax() == mono.coverage.sum(1).argmax())


def test_noise_without_any_pitch_is_measured():
    check = check_recording(0.1 * torch.randn(SR, generator=torch.Generator().manual_seed(0)), SR)
    assert check.voiced < 0.1 and any("voiced" in text for text in check.warnings)


def test_a_failure_nobody_foresaw_is_a_row(tmp_path, monkeypatch):
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", note(220.0, 1.0).numpy(), SR)
    real = recording_check.estimate_f0
    calls = iter([MemoryError("no room")])
    monkeypatch.setattr(recording_check, "estimate_f0", lambda *a: (_ for _ in ()).throw(e) if (e := next(calls, None)) else real(*a))
    first, second = check_folder(tmp_path)
    assert first.error == "failed with MemoryError: no room" and not second.error and second.voiced > 0.9


def test_a_folder_with_bad_files(tmp_path):
    soundfile.write(tmp_path / "a.wav", note(220.0).numpy(), SR)
    soundfile.write(tmp_path / "b.flac", np.clip(8 * note(330.0).numpy(), -1, 1), 44100)
    (tmp_path / "corrupt.wav").write_bytes(b"RIFF" + bytes(range(200)))
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "silent.wav", np.zeros(SR), SR)
    (tmp_path / "read.me").write_text("no audio")
    rows = {row.name: row for row in check_folder([tmp_path, tmp_path / "read.me"])}
    assert [name for name, row in rows.items() if row.error] == ["corrupt.wav", "empty.wav", "silent.wav", "read.me"]
    assert "silent" in rows["silent.wav"].error and rows["a.wav"].warnings == []
    assert rows["b.flac"].warnings[0].startswith("clipped")                   # from the file, before it was resampled
    assert json.dumps([row.to_dict() for row in rows.values()])
    total = summary(rows.values())
    assert total["failed"] == ["corrupt.wav", "empty.wav", "silent.wav", "read.me"] and total["flagged"] == ["b.flac"]
    assert np.allclose(total["coverage"], rows["a.wav"].coverage + rows["b.flac"].coverage)
    assert total["minutes"] == pytest.approx(sum(r.seconds * (1 - r.silence) for r in rows.values()) / 60)
    assert "minutes of sound" in total["warnings"][0] and "2 notes" in total["warnings"][1]
    assert summary([])["minutes"] == 0 and len(summary([])["warnings"]) == 3
    with pytest.raises(FileNotFoundError):
        check_folder(tmp_path / "missing")


# ---- trimming

def test_pauses_are_shortened_and_sound_is_kept():
    x, gap = note(440.0, 1.0), lambda s: torch.zeros(int(s * SR))
    out = trim_silence(torch.cat([gap(4), x, gap(0.8), x, gap(3), x, gap(2)]), SR, 1.0)
    wanted = 0.5 + 1 + 0.8 + 1 + 1 + 1 + 0.5
    assert abs(len(out) / SR - wanted) < 0.15 and abs((out.square().sum() / (3 * x.square().sum())).item() - 1) < 1e-6
    assert torch.equal(trim_silence(x, SR), x) and torch.equal(trim_silence(out, SR), out)


def test_trimming_refuses_no_pause():
    for bad in (0, -1, float("nan"), 0.05):
        with pytest.raises(ValueError, match="pause_s must be at least 0.1"):
            trim_silence(note(440.0), SR, bad)
