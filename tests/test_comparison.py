"""The comparison of variants: names, sizes, mel-cepstral distortion, rooms, spread over seeds, and one small comparison."""
import json
import math

import librosa
import numpy as np
import pytest
import scipy.fft
import soundfile
import torch

from ddsp_course import comparison, model, reverb, training
from ddsp_course.comparison import differences, mel_cepstral_distortion_db, separated, variant_choices
from ddsp_course.layers import count_parameters
from ddsp_course.mel import LOG_FLOOR, log_mel
from ddsp_course.runs import TrainConfig


def formula(hidden, encoder_hidden, mlp_layers, n_harmonics, n_noise, z_dims, n_mfcc=30, room=0):
    "Parameters of a model, counted by hand."
    def mlp(n_in):
        sizes = [n_in] + [hidden] * mlp_layers
        return sum(i * o + o + 2 * o for i, o in zip(sizes, sizes[1:]))

    def gru(n_in, n):
        return 3 * n * (n_in + n) + 2 * 3 * n

    n_inputs = 3 if z_dims else 2
    decoder = 2 * mlp(1) + (mlp(z_dims) if z_dims else 0) + gru(hidden * n_inputs, hidden) + mlp(hidden * (n_inputs + 1))
    heads = (hidden + 1) * (1 + n_harmonics + n_noise)
    encoder = gru(n_mfcc, encoder_hidden) + (encoder_hidden + 1) * z_dims if z_dims else 0
    return decoder + heads + encoder + room


SMALL, TINY = dict(hidden=128, encoder_hidden=64, mlp_layers=2, n_harmonics=60), dict(hidden=132, encoder_hidden=64, mlp_layers=1, n_harmonics=60)
PAPER = dict(hidden=512, encoder_hidden=512, mlp_layers=3, n_harmonics=100)


@pytest.mark.parametrize("name, sizes, n_noise, z_dims, room, number", [
    ("harmonic", SMALL, 0, 0, 0, 256_957), ("harmonic-noise", SMALL, 65, 0, 0, 265_342), ("harmonic-noise+z", SMALL, 65, 6, 0, 367_620),
    ("full", SMALL, 65, 0, 15_999, 281_341), ("decay", SMALL, 65, 0, 2, 265_344), ("harmonic-noise@tiny", TINY, 65, 0, 0, 228_090),
    ("harmonic-noise@paper", PAPER, 65, 0, 0, 4_821_670), ("full+z@paper", PAPER, 65, 16, 15_999, 7_267_125),
])
def test_parameters_of_each_variant_and_size(tone_dataset, name, sizes, n_noise, z_dims, room, number):
    config = model.configure(tone_dataset, **variant_choices(name))
    assert count_parameters(model.DDSP(config)) == number == formula(**sizes, n_noise=n_noise, z_dims=z_dims, room=room)


def test_sizes_against_published_numbers(tone_dataset):
    "Tiny: 0.24 million in the paper; solo 4.8 and autoencoder 7.25 million in the authors' code."
    for name, published in (("harmonic-noise@tiny", 0.24e6), ("harmonic-noise@paper", 4.8e6), ("full+z@paper", 7.25e6)):
        assert abs(count_parameters(model.DDSP(model.configure(tone_dataset, **variant_choices(name)))) / published - 1) < 0.06


def test_choices_win_over_the_size(tone_dataset):
    config = model.configure(tone_dataset, "harmonic", size="paper", hidden=8)
    assert (config.hidden, config.mlp_layers, config.z_dims) == (8, 3, 16)
    with pytest.raises(ValueError, match="size must be one of.*'huge'"):
        model.configure(tone_dataset, size="huge")


@pytest.mark.parametrize("name", ["", "harmonics", "+z", "full@", "full@huge", "full-z", "full@tiny+z", " full", None])
def test_wrong_names(name):
    with pytest.raises(ValueError, match="variants must be named"):
        variant_choices(name)


# mel-cepstral distortion

def pair(seconds=0.5, sr=16000, seed=0):
    g = torch.Generator().manual_seed(seed)
    return 0.3 * torch.randn(int(seconds * sr), generator=g), 0.1 * torch.randn(int(seconds * sr), generator=g).cumsum(0) * 0.05


def naive_mcd(x, y, sr, n_coefficients, hop):
    "Loops, with librosa's filter bank and SciPy's cosine transform."
    filters = librosa.filters.mel(sr=sr, n_fft=1024, n_mels=128, fmin=20, fmax=8000, htk=False, norm="slaney")
    distances = []
    for k in range(math.ceil(len(x) / hop)):
        cepstra = []
        for audio in (x, y):
            padded = np.pad(audio.double().numpy(), 512)
            frame = padded[k * hop : k * hop + 1024] if k * hop + 1024 <= len(padded) else np.pad(padded[k * hop :], (0, 1024 - len(padded[k * hop :])))
            power = np.abs(np.fft.rfft(frame * scipy.signal.get_window("hann", 1024))) ** 2
            log_amplitude = 0.5 * np.log(filters @ power + LOG_FLOOR)
            cepstra.append(scipy.fft.dct(log_amplitude, type=2) / 128)               # log amplitude = c0 / 2 + sum of c_d cos(...)
        distances.append(10 / math.log(10) * math.sqrt(2 * sum((a - b) ** 2 for a, b in zip(cepstra[0][1 : n_coefficients + 1], cepstra[1][1:]))))
    return np.mean(distances)


@pytest.mark.parametrize("n_coefficients, hop", [(13, 256), (24, 160), (1, 1000)])
def test_distortion_against_naive_version(n_coefficients, hop):
    x, y = pair()
    got = mel_cepstral_distortion_db(x, y, 16000, n_coefficients, hop)
    assert got == pytest.approx(naive_mcd(x, y, 16000, n_coefficients, hop), rel=1e-3) and got > 1


def test_distortion_with_all_coefficients_is_the_rms_difference_of_spectra():
    x, y = pair(seed=1)
    difference = 10 / math.log(10) * (log_mel(x, 16000, hop_length=256, fmax=8000) - log_mel(y, 16000, hop_length=256, fmax=8000)).double()
    expected = (difference - difference.mean(0)).square().mean(0).sqrt().mean()              # without the mean: coefficient 0
    assert mel_cepstral_distortion_db(x, y, 16000, 127) == pytest.approx(float(expected), rel=1e-4)


def test_distortion_ignores_level_not_colour():
    x, _ = pair()
    assert mel_cepstral_distortion_db(x, x, 16000) == 0
    assert mel_cepstral_distortion_db(x, 0.5 * x, 16000) < 0.01                             # only the floor of the logarithm is left
    bright = torch.diff(x, prepend=x[:1])
    assert mel_cepstral_distortion_db(x, bright, 16000) > 3


@pytest.mark.parametrize("x, y", [(torch.zeros(9), torch.zeros(8)), (torch.zeros(0), torch.zeros(0)), (torch.zeros(2, 9), torch.zeros(2, 9)),
                                  (torch.full((9,), math.nan), torch.zeros(9)), (torch.zeros(9), torch.full((9,), math.inf))])
def test_distortion_refuses_bad_pairs(x, y):
    with pytest.raises(ValueError, match="reference and estimate must be"):
        mel_cepstral_distortion_db(x, y, 16000)


# spread over seeds

def made_up(**seeds):
    return {"runs": [{"variant": name, "seed": i, "parameters": 1, "cpu_s": 1.0, "figures": {"multiscale_loss": v}} for name, own in seeds.items() for i, v in enumerate(own)]}


def test_differences_by_hand():
    got = differences(made_up(a=[5, 5.2, 5.4], b=[5.3, 5.5, 5.9], c=[4, 4.5, 4.9], d=[9]), "multiscale_loss", "a")
    assert [row["variant"] for row in got] == ["b", "c", "d"] and [row["clear"] for row in got] == [False, True, None]
    assert got[0]["difference"] == pytest.approx(5.5666667 - 5.2) and got[0]["spread"] == pytest.approx(0.6) and got[1]["spread"] == pytest.approx(0.9)
    for against in ("e", None):
        with pytest.raises(ValueError, match="against must be one of"):
            differences(made_up(a=[1]), "multiscale_loss", against)


def test_runs_without_a_value_are_left_out():
    assert comparison.values(made_up(a=[1, None], b=[None]), "multiscale_loss") == {"a": [1.0], "b": []}
    assert differences(made_up(a=[1, 2], b=[None], c=[3, None]), "multiscale_loss", "a") == [{"variant": "c", "difference": 1.5, "spread": 1.0, "clear": None}]


@pytest.mark.parametrize("n, m", [(2, 2), (3, 3), (3, 2)])
def test_separated_by_chance(n, m):
    "The share that the docstring states."
    draws = np.random.default_rng(0).normal(size=(20_000, n + m))
    share = np.mean([separated(row[:n], row[n:]) for row in draws])
    assert share == pytest.approx(2 / math.comb(n + m, n), abs=0.01)


def test_separated_edge_cases():
    assert separated([1], [2]) and not separated([1, 2], [2, 3]) and not separated([1, 4], [2, 3])
    with pytest.raises(ValueError, match="at least one value"):
        separated([], [1])


# rooms

@pytest.fixture()
def room():
    torch.manual_seed(0)
    return model.DDSP(model.ModelConfig(hop_length=160, hidden=8, n_harmonics=4, z_dims=0, reverb="ir", reverb_seconds=0.5))


def test_room_report_of_a_known_room(room):
    tail = 0.1 * reverb.synthetic_ir(0.3, 0.5, 16000, torch.Generator().manual_seed(1))
    room.reverb.tail.data = tail[1:] * 0.1 / tail[1:].norm()
    found = comparison.room_report(room, n_points=11)
    assert found["rt60_s"] == pytest.approx(0.3, rel=0.05) and found["tail_db"] == pytest.approx(-20, abs=1e-3)
    assert found["seconds"] == pytest.approx(0.5, abs=1e-3) and len(found["decay_db"]) == 11 and found["decay_db"][0] == 0
    assert np.polyfit(np.linspace(0, 0.5, 11)[:7], found["decay_db"][:7], 1)[0] == pytest.approx(-60 / 0.3, rel=0.1)
    json.dumps(found)


def test_room_that_does_not_decay(room):
    room.reverb.tail.data = torch.zeros(7999)
    room.reverb.tail.data[99] = 1.0
    found = comparison.room_report(room, n_points=81)
    assert found["rt60_s"] is None and found["decay_db"][0] == 0 and found["decay_db"][-1] is None


def test_impulse_response_is_written_whole(room, tmp_path):
    comparison.export_impulse_response(room, tmp_path / "room.wav")
    taps, sr = soundfile.read(tmp_path / "room.wav", dtype="float32")
    assert sr == 16000 and np.array_equal(taps, room.reverb.impulse_response().detach().numpy()) and taps[0] == 1
    without = model.DDSP(model.ModelConfig(hop_length=160, hidden=8, n_harmonics=4, z_dims=0))
    for function in (comparison.room_report, lambda net: comparison.export_impulse_response(net, tmp_path / "x.wav")):
        with pytest.raises(ValueError, match="has no room"):
            function(without)


# a small comparison

@pytest.fixture(scope="module")
def compared(tone_dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    return out, comparison.compare(tone_dataset, out, ["harmonic", "full"], 2, TrainConfig(steps=4, eval_every=2), progress=False)


def test_comparison_holds_every_run(compared, tone_dataset):
    out, result = compared
    assert [(run["variant"], run["seed"]) for run in result["runs"]] == [("harmonic", 0), ("full", 0), ("harmonic", 1), ("full", 1)]
    assert json.loads((out / "comparison.json").read_text()) == result
    for run in result["runs"]:
        assert set(run["figures"]) == set(comparison.FIGURES) and run["figures"]["multiscale_loss"] > 0
        assert [step for step, _, _ in run["curve"]] == [2, 4] and 0 < run["curve"][0][1] <= run["curve"][1][1] == pytest.approx(run["cpu_s"], abs=0.01)
        assert (run["room"] is not None) == (run["variant"] == "full")
    losses = comparison.values(result, "multiscale_loss")
    assert len(set(losses["harmonic"])) == 2                                                  # the seeds differ
    net = model.load(comparison.run_folder(out, "full", 1))
    assert comparison.judge(net, tone_dataset) == result["runs"][3]["figures"]                # what is in the table is what the saved model does


def test_finished_runs_are_kept_and_others_added(compared, tone_dataset):
    out, before = compared
    files = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.glob("*/*.safetensors")}
    result = comparison.compare(tone_dataset, out, ["full", "harmonic-noise"], 1, TrainConfig(steps=4, eval_every=2), progress=False)
    assert result["runs"][0] == before["runs"][1] and result["runs"][1]["variant"] == "harmonic-noise"
    assert all((path.stat().st_mtime_ns, path.read_bytes()) == was for path, was in files.items())
    with pytest.raises(ValueError, match="steps was 4"):
        comparison.compare(tone_dataset, out, ["full"], 1, TrainConfig(steps=6, eval_every=2), progress=False)


def test_interrupted_comparison_goes_on_to_the_same_end(compared, tone_dataset, tmp_path, monkeypatch):
    train_step, steps = training.train_step, []

    def stops(*arguments):
        if len(steps) == 5 + 4 + 2:                         # five steps that compile, the first seed, half of the second
            raise KeyboardInterrupt
        steps.append(1)
        return train_step(*arguments)

    monkeypatch.setattr(training, "train_step", stops)
    arguments = tone_dataset, tmp_path, ["harmonic"], 2, TrainConfig(steps=4, eval_every=2)
    with pytest.raises(KeyboardInterrupt):
        comparison.compare(*arguments, progress=False)
    monkeypatch.undo()
    result, (_, unbroken) = comparison.compare(*arguments, progress=False), compared
    assert [run["figures"] for run in result["runs"]] == [run["figures"] for run in unbroken["runs"] if run["variant"] == "harmonic"]
    for run in result["runs"]:                                                                # the clock goes on where it stopped
        assert len(run["curve"]) == 2 and run["curve"][0][1] < run["curve"][1][1]


def test_table_shows_mean_and_spread(compared):
    header, rows = comparison.table(compared[1])
    losses = comparison.values(compared[1], "multiscale_loss")["full"]
    row = dict(zip(header, rows[1]))
    assert row["variant"] == "full" and row["seeds"] == "2" and row["parameters"] == "281,341"
    assert row["loss"] == f"{np.mean(losses):.2f} ± {abs(losses[1] - losses[0]) / 2:.2f}"


@pytest.mark.parametrize("change, message", [(dict(seeds=0), "seeds must be"), (dict(variants=[]), "variants different"), (dict(variants=["full", "full"]), "variants different"),
                                             (dict(variants=["harmonic", "nothing"]), "nothing")])
def test_wrong_calls_train_nothing(tone_dataset, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        comparison.compare(tone_dataset, tmp_path / "out", **change)
    assert not (tmp_path / "out").exists()


def test_copies_of_the_loudest_excerpt(compared, tone_dataset):
    out, _ = compared
    nets = {name: model.load(comparison.run_folder(out, name, 0)) for name in ("harmonic", "full")}
    sounds = comparison.copies(tone_dataset, nets, seconds=1.0)
    assert list(sounds) == ["recording", "harmonic", "full", "full, dry"] and {len(x) for x in sounds.values()} == {16000}
    loudness = tone_dataset.get(tone_dataset.split("test")[0])["loudness_db"]
    loudest = max(float(loudness[i:i + 100].mean()) for i in range(len(loudness) - 99))
    assert float(comparison.excerpt(tone_dataset, 1.0)["loudness_db"].mean()) == pytest.approx(loudest, abs=1e-3)
    assert len(comparison.excerpt(tone_dataset, 60.0)["loudness_db"]) == len(loudness)        # a short recording: all of it
    wet = reverb.convolve(sounds["full, dry"], nets["full"].reverb.impulse_response().detach())
    assert torch.allclose(wet, sounds["full"], atol=1e-5)
