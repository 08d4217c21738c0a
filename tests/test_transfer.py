"""Tone transfer: instruments, long sounds in blocks, the controls, bad input, files and the command."""
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tones import make_tone
from scipy.stats import spearmanr

from ddsp_course import cli, instruments, model, transfer
from ddsp_course.harmonic import harmonic_synth
from ddsp_course.instruments import QUANTILES, Instrument, detect_notes, learn_instruments, typical_instrument
from ddsp_course.long_sounds import _harmonic_from, _start_cycles, synthesize_long
from ddsp_course.loudness import loudness_db
from ddsp_course.model import DDSP, ModelConfig
from ddsp_course.pitch import estimate_f0, hz_to_midi
from ddsp_course.runs import find_run
from ddsp_course.sampling import resample

STATISTICS = {"f0_midi": {"mean": 72.0, "std": 5.0}, "loudness_db": {"mean": -30.0, "std": 8.0}}


def network(**choices):
    torch.manual_seed(0)
    return DDSP(ModelConfig(**{**dict(hop_length=160, z_dims=3, hidden=16, encoder_hidden=8, n_harmonics=20, n_noise=33, statistics=STATISTICS), **choices})).eval()


def controls(n_frames=400, seed=0):
    g = torch.Generator().manual_seed(seed)
    return 200 * 2 ** torch.rand(n_frames, generator=g), -60 + 40 * torch.rand(n_frames, generator=g)


@pytest.fixture(scope="module")
def melody():
    "0.4 s rest, 0.9 s at 220 Hz with vibrato, 0.4 s rest, 0.9 s at 330 Hz, 0.4 s rest: audio [T] at 16 kHz."
    rest = torch.zeros(6400)
    return torch.cat([rest, make_tone(220, 0.9), rest, make_tone(330, 0.9), rest])


@pytest.fixture(scope="module")
def played(melody):
    return transfer.transfer(network(), melody, 16000)


# long sounds

@pytest.mark.parametrize("choices", [{}, dict(n_noise=0), dict(n_noise=65, hop_length=64), dict(n_noise=65, hop_length=20), dict(z_dims=0),
                                     dict(z_pooling="frames"), dict(reverb="decay", reverb_seconds=0.3), dict(reverb="ir", reverb_seconds=0.05)])
@pytest.mark.parametrize("block", [400, 399, 100, 61, 7])
def test_blocks_are_one_piece(choices, block):
    net = network(**choices)
    if net.reverb is not None and net.config.reverb == "ir":
        with torch.no_grad():
            net.reverb.tail.mul_(300)                           # a room that can be heard
    f0, level = controls()
    z = torch.randn((400, 3) if net.config.z_pooling == "frames" else 3, generator=torch.Generator().manual_seed(1)) if net.config.z_dims else None
    features = {"f0_hz": f0[None], "loudness_db": level[None]} | ({} if z is None else {"z": z[None]})
    with torch.no_grad():
        whole = net.synthesize(net(features), torch.Generator().manual_seed(5))[0]
    pieces = list(synthesize_long(net, f0, level, z, seed=5, block=block))
    assert [len(p) for p in pieces] == [net.config.hop_length * min(block, 400 - i) for i in range(0, 400, block)]
    assert (torch.cat(pieces) - whole).abs().max() < 3e-5 * whole.abs().max()


def test_phase_is_right_after_ten_minutes():
    n = 60000
    f0 = 440 * 2 ** (0.5 * torch.sin(torch.arange(n) / 50))
    whole = harmonic_synth(f0[None], torch.ones(1, n, 1), 16000, 160)[0]
    part = _harmonic_from(float(_start_cycles(f0, 16000, 160)[59000]), f0[None, 59000:], torch.ones(1, 1000, 1), 16000, 160)[0]
    alone = harmonic_synth(f0[None, 59000:], torch.ones(1, 1000, 1), 16000, 160)[0]
    assert (part - whole[59000 * 160:]).abs().max() < 1e-3 < (alone - whole[59000 * 160:]).abs().max()


def test_the_decoder_sees_only_a_block_and_its_neighbours():
    net, seen = network(n_noise=65), []
    net.decoder.inputs[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape[1]))
    f0, level = controls(3000)
    for _ in synthesize_long(net, f0, level, torch.zeros(3), block=250):
        pass
    assert max(seen) <= 251 and sum(seen) == 3000


def test_the_model_is_left_as_it_was(melody):
    net = network()
    before, gru = {k: v.clone() for k, v in net.state_dict().items()}, net.decoder.gru
    transfer.transfer(net, melody, 16000, block_seconds=0.5)
    assert net.decoder.gru is gru and before.keys() == net.state_dict().keys() and all(torch.equal(v, net.state_dict()[k]) for k, v in before.items())


# notes

def test_notes_of_a_melody(played):
    time = torch.arange(len(played.notes)) / 100
    truth = ((time >= 0.4) & (time < 1.3)) | ((time >= 1.7) & (time < 2.6))
    assert (played.notes != truth).float().mean() < 0.05


def test_notes_need_confidence_and_level_and_length():
    confidence, level = torch.full((400,), 0.9), torch.full((400,), -30.0)
    confidence[100:102] = 0.1                                       # 20 ms: closed
    confidence[200:210] = 0.1                                       # 100 ms: a rest
    level[300:] = -75.0                                             # too soft
    level[350:353] = -20.0                                          # 30 ms: no note
    confidence[390] = 0.0
    level[390] = 0.0                                                # a loud click without pitch moves nothing
    notes = detect_notes(confidence, level, 100)
    wanted = torch.zeros(400, dtype=torch.bool)
    wanted[:200] = wanted[210:300] = True
    assert torch.equal(notes, wanted)
    assert not detect_notes(torch.zeros(50), torch.zeros(50), 100, 0.0).any()
    assert not detect_notes(confidence, level, 100, 0.95).any()


# controls

def test_autotune():
    f0 = 440 * 2 ** (torch.linspace(-24, 24, 1000) / 12)
    off = lambda f, a=440: (12 * torch.log2(f / a) - (12 * torch.log2(f / a)).round()).abs().mean()
    assert torch.equal(transfer.autotune(f0, 0), f0) and off(transfer.autotune(f0, 1)) < 1e-4
    assert off(transfer.autotune(f0, 0.5)) == pytest.approx(float(off(f0)) / 2, rel=1e-3)
    assert off(transfer.autotune(f0, 1, 446), 446) < 1e-4 and off(transfer.autotune(f0, 1, 446)) > 0.2
    assert (12 * torch.log2(transfer.autotune(f0, 1) / f0)).abs().max() <= 0.5001


@pytest.mark.parametrize("low, wanted", [(36, 3), (60, 1), (72, 0), (77, 0), (79, -1), (100, -2)])
def test_octaves_are_the_nearest(low, wanted):
    quantiles = (72 + 5 * np.linspace(-1, 1, 21)).tolist()
    f0 = 440 * 2 ** ((torch.full((50,), float(low)) - 69) / 12)
    assert transfer.match_octaves(f0, quantiles) == wanted == min(range(-5, 6), key=lambda o: abs(low + 12 * o - 72))


def test_loudness_match_is_the_quantile_map_where_its_slope_allows():
    g = torch.Generator().manual_seed(0)
    x = -50 + 10 * torch.randn(20000, generator=g)
    wanted = np.quantile(-20 + 12 * torch.rand(20000, generator=g).numpy(), QUANTILES)
    out = transfer.match_loudness(x, torch.ones(20000, dtype=torch.bool), wanted)
    np.testing.assert_allclose(np.quantile(out.numpy(), QUANTILES), wanted, atol=0.1)
    assert spearmanr(x, out).statistic > 0.999


def test_loudness_match_invariants():
    g = torch.Generator().manual_seed(0)
    x, notes = -40 + 0.2 * torch.randn(500, generator=g), torch.rand(500, generator=g) > 0.3
    x[~notes] -= 30
    wanted = np.linspace(-60, -15, 21)
    out = transfer.match_loudness(x, notes, wanted)
    order = x.argsort()
    rise, step = out[order].diff(), x[order].diff()
    assert (rise >= -1e-4).all() and (rise <= transfer.MAX_SLOPE * step + 1e-4).all()
    assert out[notes].median() == pytest.approx(-37.5, abs=0.3) and out.max() <= wanted[-1]
    torch.testing.assert_close(transfer.match_loudness(x + 25, notes, wanted), out, atol=1e-3, rtol=0)
    constant = transfer.match_loudness(torch.full((9,), -33.0), torch.ones(9, dtype=torch.bool), wanted)
    torch.testing.assert_close(constant, torch.full((9,), -37.5))


def test_octave_doubles_f0(played, melody):
    up = transfer.transfer(network(), melody, 16000, octave=1)
    torch.testing.assert_close(up.after["f0_hz"], 2 * played.after["f0_hz"])
    heard = [estimate_f0(r.audio, 16000, 100, "pyin").f0_hz for r in (up, played)]
    both = (heard[0] > 0) & (heard[1] > 0) & played.notes
    assert both.sum() > 100 and (heard[0] / heard[1])[both].median() == pytest.approx(2, rel=0.01)


def test_loudness_shift_comes_on_top(played, melody):
    louder = transfer.transfer(network(), melody, 16000, loudness_db=6)
    torch.testing.assert_close(louder.after["loudness_db"][played.notes], played.after["loudness_db"][played.notes] + 6)


@pytest.mark.parametrize("quiet_db", [20, 60])
def test_quiet_is_exact_between_notes_and_changes_no_note(melody, quiet_db):
    loud, quiet = (transfer.transfer(network(), melody, 16000, quiet_db=q) for q in (0, quiet_db))
    rest, note = slice(24000, 25000), slice(8000, 19000)
    level = lambda r: 20 * torch.log10(r.audio[rest].square().mean().sqrt())
    assert level(loud) - level(quiet) == pytest.approx(quiet_db, abs=0.1)
    assert torch.equal(loud.audio[note], quiet.audio[note])


def test_automatic_match_is_reported_and_reaches_the_range(played, melody):
    before, after = played.before["f0_hz"], played.after["f0_hz"]
    torch.testing.assert_close(after, before * 2.0 ** played.octaves)
    assert played.octaves == 1 and played.outside["before"]["f0"] > 0.4 and played.outside["after"]["f0"] < 0.05
    assert (played.after["loudness_db"] - played.before["loudness_db"])[played.notes].median() == pytest.approx(played.loudness_shift_db, abs=1e-3)
    plain = transfer.transfer(network(), melody, 16000, match=False)
    assert plain.octaves == 0 and plain.loudness_shift_db == 0 and torch.equal(plain.after["f0_hz"], before)


def test_each_choice_of_z(melody):
    net = network()
    flute = Instrument("flute", *([v] * 21 for v in (72.0, -30.0)), z=[1.0, 2.0, 3.0])
    own = transfer.transfer(net, melody, 16000)
    assert own.z.shape == (3,) and torch.equal(own.z, transfer.transfer(net, melody, 16000, flute, "input").z)
    assert transfer.transfer(net, melody, 16000, flute).z.tolist() == [1, 2, 3] and transfer.transfer(net, melody, 16000, flute).instrument == "flute"
    path = torch.randn(len(own.notes), 3)
    assert torch.equal(transfer.transfer(net, melody, 16000, z=path).z, path)
    assert torch.equal(transfer.transfer(net, melody, 16000, z=path[:1]).z, path[0])
    assert transfer.transfer(network(z_pooling="frames"), melody, 16000).z.shape == (len(own.notes), 3)
    assert transfer.transfer(network(z_dims=0), melody, 16000).z is None
    assert not torch.equal(own.audio, transfer.transfer(net, melody, 16000, flute).audio)


# audio in and out

@pytest.mark.parametrize("sr", [8000, 11025, 16000, 22050, 44100, 48000, 44101])
def test_same_rate_same_length(melody, played, sr):
    audio = resample(melody, 16000, sr)[:-3]
    result = transfer.transfer(network(), audio, sr)
    assert len(result.audio) == len(audio) and result.sr == sr and torch.isfinite(result.audio).all()
    assert len(result.notes) == len(played.notes) == len(result.after["f0_hz"])


def test_blocks_do_not_change_the_transfer(melody):
    one, many = (transfer.transfer(network(), melody, 16000, block_seconds=s).audio for s in (100, 0.13))
    assert (one - many).abs().max() < 3e-5 * one.abs().max()


def test_time_stays_aligned():
    "A glide comes out at the same time: its pitch is followed best without a shift."
    f0 = 220 * 2 ** (0.5 * torch.sin(torch.arange(300) / 60))
    result = transfer.transfer(network(n_noise=0), harmonic_synth(f0[None], (0.2 / torch.arange(1, 9)).expand(1, 300, 8), 16000, 160)[0], 16000, match=False)
    heard = hz_to_midi(estimate_f0(result.audio, 16000, 100, "pyin").f0_hz)
    wanted, middle = hz_to_midi(f0), slice(20, 280)
    errors = {lag: (heard[20 + lag:280 + lag] - wanted[middle]).abs().median().item() for lag in range(-6, 7)}
    assert min(errors, key=errors.get) in (-1, 0, 1) and errors[0] < 0.2 < errors[4]


def test_same_seed_same_sound(melody, played):
    assert torch.equal(transfer.transfer(network(), melody, 16000).audio, played.audio)
    assert not torch.equal(transfer.transfer(network(), melody, 16000, seed=1).audio, played.audio)


def test_channels(melody, played):
    net = network()
    assert torch.equal(transfer.transfer(net, torch.stack([melody, melody]), 16000).audio, played.audio)
    assert torch.equal(transfer.transfer(net, torch.stack([melody, -melody]), 16000).audio, played.audio)        # the first one where they cancel
    assert torch.equal(transfer.transfer(net, melody.numpy(), 16000).audio, played.audio)


def test_over_full_scale_is_matched_like_any_level(melody, played):
    loud = transfer.transfer(network(), 8 * melody, 16000)
    assert (8 * melody).abs().max() > 1
    torch.testing.assert_close(loud.after["loudness_db"][played.notes], played.after["loudness_db"][played.notes], atol=0.5, rtol=0)


@pytest.mark.parametrize("audio, message", [
    (torch.zeros(0), "audio must have shape"), (torch.zeros(1), "too short"), (torch.zeros(7000), "too short"), (torch.zeros(16000), "silent"),
    (torch.full((16000,), float("nan")), "finite"), (0.1 * torch.randn(16000, generator=torch.Generator().manual_seed(0)), "no note"),
    (torch.zeros(16000, 2), "channels first"), (torch.zeros(2, 2, 9000), r"\[C, T\]"),
    (torch.cat([torch.zeros(16000), torch.ones(1), torch.zeros(16000)]), "no note")])
def test_bad_audio_is_refused(audio, message):
    with pytest.raises(ValueError, match=message):
        transfer.transfer(network(), audio, 16000)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="floating"):
        transfer.transfer(network(), torch.ones(16000, dtype=torch.int16), 16000)


@pytest.mark.parametrize("choices, message", [
    (dict(octave=0.5), "octave"), (dict(octave=5), "octave"), (dict(loudness_db=float("nan")), "loudness_db"), (dict(autotune_strength=1.1), "autotune_strength"),
    (dict(tuning_hz=0), "tuning_hz"), (dict(confidence_min=2), "confidence_min"), (dict(level_db=1), "level_db"), (dict(quiet_db=-1), "quiet_db"),
    (dict(block_seconds=0), "block_seconds"), (dict(z=[1.0, 2.0]), r"shape \[3\]"), (dict(z=[1.0, float("inf"), 0.0]), "finite"), (dict(z="guess"), "'input'"),
    (dict(confidence_min=1.0), "no note")])
def test_arguments_out_of_range_are_refused(melody, choices, message):
    with pytest.raises(ValueError, match=message):
        transfer.transfer(network(), melody, 16000, **choices)


def test_wrong_types_and_models_are_refused(melody):
    with pytest.raises(TypeError, match="quiet_db"):
        transfer.transfer(network(), melody, 16000, quiet_db="much")
    with pytest.raises(ValueError, match="no latent"):
        transfer.transfer(network(z_dims=0), melody, 16000, z="input")
    with pytest.raises(ValueError, match="no training statistics of f0_midi"):
        transfer.transfer(network(statistics={}), melody, 16000)
    with pytest.raises(ValueError, match="sr"):
        transfer.transfer(network(), melody, 0)


def test_a_real_recording(real_audio):
    "A real voice or instrument: what is found is played at the pitch asked for."
    path = sorted(p for p in real_audio.rglob("*") if p.suffix in (".wav", ".flac", ".ogg") and "vocadito" in str(p).lower())
    if not path:
        pytest.skip("no singing among the real recordings")
    audio, sr = soundfile.read(path[0], dtype="float32", always_2d=True)
    result = transfer.transfer(network(n_noise=0), audio.T[:, :8 * sr], sr)
    heard = estimate_f0(result.audio, sr, 100, "pyin").f0_hz[:len(result.notes)]
    right = (12 * torch.log2(heard.clamp(min=1) / result.after["f0_hz"])).abs() < 0.5
    assert len(result.audio) == min(len(audio), 8 * sr) and result.notes.float().mean() > 0.2 and right[result.notes].float().mean() > 0.75


# instruments

@pytest.fixture(scope="module")
def small_run(tone_dataset, tmp_path_factory):
    "An untrained run for the data set of two groups of tones."
    torch.manual_seed(0)
    net, folder = DDSP(model.configure(tone_dataset, hidden=16, encoder_hidden=8, n_harmonics=20)).eval(), tmp_path_factory.mktemp("transfer") / "run"
    model.save(folder, net)
    return net, folder


def test_learnt_instruments(small_run, tone_dataset):
    net, folder = small_run
    found = learn_instruments(net, tone_dataset)
    assert list(found) == ["high", "low"]
    for name, base in (("low", 220), ("high", 330)):
        one = found[name]
        assert one.f0_midi == sorted(one.f0_midi) and one.loudness_db == sorted(one.loudness_db) and len(one.f0_midi) == len(one.loudness_db) == 21
        middle = 69 + 12 * np.log2(base / 440) + 1                  # recordings at 0, 1 and 2 semitones; the last one is held out
        assert one.f0_midi[10] == pytest.approx(middle, abs=0.3) and len(one.z) == net.config.z_dims
    instruments.save_instruments(folder, found)
    assert instruments.load_instruments(folder) == found


def test_z_does_not_depend_on_the_length_of_the_recording(small_run, tone_dataset):
    net, _ = small_run
    x = tone_dataset.get(0)
    notes = x["confidence"] > 0
    twice = {k: torch.cat([x[k][:200], x[k][:200]]) for k in ("mfcc", "loudness_db")}
    once = {k: x[k][:200] for k in twice}
    torch.testing.assert_close(instruments.mean_z(net, twice, torch.cat([notes[:200]] * 2)), instruments.mean_z(net, once, notes[:200]))


def test_instruments_of_other_weights_and_damaged_files_are_refused(small_run, tone_dataset, tmp_path):
    net, _ = small_run
    model.save(tmp_path, net)
    with pytest.raises(FileNotFoundError, match="learn_instruments"):
        instruments.load_instruments(tmp_path)
    instruments.save_instruments(tmp_path, learn_instruments(net, tone_dataset))
    model.save(tmp_path, network())
    with pytest.raises(ValueError, match="other weights"):
        instruments.load_instruments(tmp_path)
    for text in ("{", "[]", '{"instruments": [{"name": 1}]}'):
        (tmp_path / "instruments.json").write_text(text)
        with pytest.raises(ValueError, match="damaged"):
            instruments.load_instruments(tmp_path)


def test_other_features_are_refused(tone_dataset):
    with pytest.raises(ValueError, match="features differ"):
        learn_instruments(network(features={**tone_dataset.features, "frame_rate": 50}), tone_dataset)


def test_typical_instrument_is_the_normal_distribution():
    typical = typical_instrument(network())
    assert typical.f0_midi[10] == pytest.approx(72) and typical.loudness_db[10] == pytest.approx(-30) and typical.z is None
    assert typical.f0_midi[-1] == pytest.approx(72 + 5 * 2.3263, abs=1e-3)


# files and the command

@pytest.fixture
def song(melody, tmp_path):
    path = tmp_path / "song 歌.wav"
    audio = resample(melody, 16000, 44100)
    soundfile.write(path, torch.stack([audio, audio], 1).numpy(), 44100)
    return path


def call(capsys, *words):
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def run(tone_dataset, tmp_path):
    folder = tmp_path / "run"
    assert cli.main(["train", str(tone_dataset.folder), "--out", str(folder), "--steps", "1"]) == 0
    return folder


def test_command(capsys, run, song, tmp_path):
    assert (run / "instruments.json").is_file()                    # written by train
    capsys.readouterr()
    out = tmp_path / "out" / "low.flac"
    status, text, _ = call(capsys, "transfer", run, song, out, "--instrument", "low", "--octave", 1, "--json")
    answer, info = json.loads(text), soundfile.info(out)
    assert status == 0 and answer["instrument"] == "low" and answer["octaves"] in (-1, 0) and 0.4 < answer["note_share"] < 0.9
    assert (info.samplerate, info.channels, info.frames) == (44100, 1, soundfile.info(song).frames)
    first = out.read_bytes()
    for seed, same in ((0, True), (3, False)):
        assert call(capsys, "transfer", run, song, out, "--instrument", "low", "--octave", 1, "--seed", seed)[0] == 0
        assert (out.read_bytes() == first) == same
    assert not list(out.parent.glob("*.tmp"))


@pytest.mark.parametrize("words, reason", [
    (["--instrument", "harp"], "harp"), ([], "--instrument"), (["--instrument", "low", "--z", "prior"], "fit-prior"),
    (["--instrument", "low", "--autotune", "3"], "autotune_strength"), (["--instrument", "low", "--confidence", "1"], "no note")])
def test_command_failures(capsys, run, song, tmp_path, words, reason):
    capsys.readouterr()
    out = tmp_path / "x.wav"
    out.write_text("before")
    status, text, err = call(capsys, "transfer", run, song, out, *words)
    assert status == 1 and not text and reason in err and "Traceback" not in err and out.read_text() == "before"


def test_command_with_bad_files(capsys, run, song, tmp_path):
    (tmp_path / "text.wav").write_text("do re mi")
    for source, target, reason in ((tmp_path / "text.wav", "x.wav", "text.wav"), (tmp_path / "nothing.wav", "x.wav", "nothing.wav"),
                                   (song, "x.txt", ".flac"), (song, song, "another file")):
        status, _, err = call(capsys, "transfer", run, source, tmp_path / target, "--instrument", "low")
        assert status == 1 and reason in err
    assert call(capsys, "transfer", tmp_path / "nowhere", song, tmp_path / "x.wav")[0] == 1
    assert call(capsys, "transfer", run)[0] == 2 and call(capsys, "transfer", run, song, tmp_path / "x.wav", "--z", "guess")[0] == 2
    assert call(capsys, "transfer", "--help")[0] == 0


def test_an_old_run_measures_its_data_set_once_or_says_what_is_missing(capsys, run, song, tone_dataset, tmp_path):
    (run / "instruments.json").unlink()
    assert call(capsys, "transfer", run, song, tmp_path / "x.wav", "--instrument", "low")[0] == 0 and (run / "instruments.json").is_file()
    (run / "instruments.json").unlink()
    settings = json.loads((run / "train.json").read_text())
    (run / "train.json").write_text(json.dumps({**settings, "dataset": str(tmp_path / "gone")}))
    status, _, err = call(capsys, "transfer", run, song, tmp_path / "x.wav", "--instrument", "low")
    assert status == 1 and "gone" in err and "--dataset" in err
    assert call(capsys, "transfer", run, song, tmp_path / "x.wav", "--instrument", "low", "--dataset", tone_dataset.folder)[0] == 0


def test_a_failed_write_leaves_the_old_file(monkeypatch, melody, song, tmp_path):
    target = tmp_path / "x.wav"
    target.write_text("before")

    def fail(file, *args, **kwargs):
        Path(file).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(transfer.soundfile, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        transfer.transfer_file(network(), song, target)
    assert target.read_text() == "before"


@pytest.mark.parametrize("name, instrument", [("quartet", "flute"), ("violin", "violin")])
def test_shipped_runs_need_no_data_set(capsys, monkeypatch, song, tmp_path, name, instrument):
    monkeypatch.setenv("DDSP_COURSE_CACHE", str(tmp_path / "cache"))
    status, text, _ = call(capsys, "transfer", name, song, tmp_path / "x.wav", "--instrument", instrument, "--json")
    answer = json.loads(text)
    assert status == 0 and answer["instrument"] == instrument and not (tmp_path / "cache").exists()
    assert answer["outside"]["after"]["f0"] < 0.05


def test_a_trained_model_obeys_after_the_match_and_not_before(melody):
    "What range matching is for: far below the range, without it, the flute misses the loudness asked for."
    net, flute = model.load(find_run("quartet")), instruments.run_instruments("quartet")["flute"]
    low = torch.cat([torch.zeros(4000), make_tone(82, 1.5), torch.zeros(4000)])
    errors = {}
    for match in (True, False):
        result = transfer.transfer(net, low, 16000, flute, match=match)
        heard = loudness_db(result.audio, 16000, 100)[:len(result.notes)]
        errors[match] = (heard - result.after["loudness_db"]).abs()[result.notes].mean()
    assert errors[True] < 1.5 and errors[False] > 3 * errors[True]
