"""Measures of generated sounds on tones of known colour, and the whole evaluation of priors on a small data set."""
import json
import math

import numpy as np
import pytest
import soundfile
import torch

from ddsp_course import data, generation_metrics as g, prior_page
from ddsp_course.harmonic import tone
from ddsp_course.model import DDSP, configure
from ddsp_course.prior_evaluation import CLOUD_MEASURES, LIMITS, MEASURES, best_rung, compare_clouds, evaluate_priors, judge, judge_pieces, targets

SR = 16000


def sound(slope=1.0, f0_hz=440.0, seconds=1.0, gain=0.1, frames=None):
    "Partials falling by n ** -slope; `frames` [F] scales the second partial frame by frame."
    n = int(100 * seconds)
    amplitudes = gain / torch.arange(1, 9) ** slope * torch.ones(n, 1)
    if frames is not None:
        amplitudes[:, 1] *= frames
    return tone(torch.full((n,), f0_hz), amplitudes, SR, 160)


def test_shape_has_no_level_and_is_measured_in_db():
    a, b = g.mel_shape(sound(), SR), g.mel_shape(20 * sound(), SR)
    assert a.shape_db.shape == (100, 64) and a.active.all()
    np.testing.assert_allclose(a.shape_db.mean(1), 0, atol=1e-9)
    np.testing.assert_allclose(a.shape_db, b.shape_db, atol=1e-3)
    louder = g.mel_shape(sound(frames=torch.full((100,), 10.0)), SR).shape_db - a.shape_db
    assert np.ptp(louder[50]) == pytest.approx(20, abs=0.5)                    # one band moves by 20 dB against the others


def test_silent_frames_do_not_count():
    half = sound().clone()
    half[8000:] = 0
    a, b = g.mel_shape(sound(), SR), g.mel_shape(half, SR)
    assert b.active[:45].all() and not b.active[56:].any()
    apart = np.sqrt(((a.shape_db - b.shape_db) ** 2).mean(1))
    assert apart[:45].max() < 0.1 and apart[60:].min() > 5 and g.shape_distance_db(a, b) == pytest.approx(apart[b.active].mean())
    with pytest.raises(ValueError, match="silent"):
        g.mel_shape(torch.zeros(100), SR)
    with pytest.raises(ValueError, match="frames"):
        g.shape_distance_db(a, g.mel_shape(sound(seconds=0.5), SR))
    nothing = g.MelShape(np.zeros((3, 64)), np.zeros(3, bool))
    assert math.isnan(g.shape_distance_db(nothing, nothing)) and math.isnan(g.jitter_db(nothing))


def test_distance_by_loops():
    a, b = g.mel_shape(sound(0.5), SR), g.mel_shape(sound(2.0), SR)
    values = [math.sqrt(sum((p - q) ** 2 for p, q in zip(x, y)) / 64) for x, y in zip(a.shape_db, b.shape_db)]
    assert g.shape_distance_db(a, b) == pytest.approx(np.mean(values), rel=1e-9) and g.shape_distance_db(a, a) == 0


def test_jitter_sees_colour_and_not_level():
    steps = torch.where(torch.arange(100) % 4 < 2, 1.0, 4.0)
    assert g.jitter_db(g.mel_shape(sound(frames=steps), SR)) > 2 * g.jitter_db(g.mel_shape(sound(), SR))
    shape = np.cumsum(np.random.default_rng(1).normal(size=(9, 64)), 0)
    expected = np.mean([np.sqrt(np.mean((shape[i + 1] - shape[i]) ** 2)) for i in range(8)])
    assert g.jitter_db(g.MelShape(shape, np.ones(9, bool))) == pytest.approx(expected)
    gap = np.ones(9, bool)
    gap[4] = False                                                             # no step into or out of a silent frame
    expected = np.mean([np.sqrt(np.mean((shape[i + 1] - shape[i]) ** 2)) for i in (0, 1, 2, 5, 6, 7)])
    assert g.jitter_db(g.MelShape(shape, gap)) == pytest.approx(expected)


def test_yardstick_has_all_pairs():
    found = g.instrument_distances_db()
    assert len(found) == 6 and all(5 < d < 15 for d in found.values())


def test_windows_are_seconds_that_sound():
    audio = torch.cat([sound(), torch.zeros(SR), sound(), sound()[:4000]])
    assert g.mel_statistics(audio, SR).shape == (2, 8)
    np.testing.assert_allclose(*g.mel_statistics(audio, SR), atol=0.02)
    assert g.mel_statistics(sound(seconds=0.5), SR).shape == (1, 8)            # a short sound is one window
    assert g.mel_statistics(torch.zeros(SR), SR).shape == (0, 8)


def test_mel_statistics_are_the_first_cosine_coefficients():
    from scipy.fft import dct

    audio = sound(0.7)
    shape = g.mel_shape(audio, SR)
    expected = dct(shape.shape_db[shape.active], norm="ortho", axis=1)[:, 1:9].mean(0)
    np.testing.assert_allclose(g.mel_statistics(audio, SR), expected[None], atol=1e-4)


def test_mel_statistics_follow_colour_more_than_pitch():
    "A semitone up moves them less than a brighter sound does, in 64 bands it is the other way round."
    sounds = [sound(slope, f0) for slope, f0 in ((1.0, 440.0), (1.0, 466.2), (0.2, 440.0))]
    smooth, bands = ([f(s) for s in sounds] for f in (lambda s: g.mel_statistics(s, SR)[0], lambda s: g.mel_shape(s, SR).shape_db.mean(0)))
    ratio = [np.linalg.norm(rows[2] - rows[0]) / np.linalg.norm(rows[1] - rows[0]) for rows in (smooth, bands)]
    assert ratio[0] > 1 > ratio[1]


def test_crepe_statistics_know_the_pitch():
    rows = g.crepe_statistics(torch.cat([sound(f0_hz=220.0), sound(f0_hz=440.0)]), SR)
    assert rows.shape == (2, 360) and rows.min() >= 0 and rows.max() <= 1
    low, high = rows.argmax(1)
    assert high - low == pytest.approx(60, abs=2)                              # an octave is 60 bins


def test_drift_and_consistency():
    assert g.drift(np.array([[0.0, 0], [3, 4], [0, 0]])) == pytest.approx(2 * (5 + 5) / 6)
    assert math.isnan(g.drift(np.zeros((1, 2))))
    assert g.consistency(["a", "b", "b", "b"]) == ("b", 0.75) and g.consistency([])[0] is None


def test_halves_are_balanced():
    groups = ["a"] * 4 + ["b"] * 3 + ["c"] * 3
    for first, second in g.halves(groups, 10, 1):
        assert sorted(first + second) == list(range(10)) and len(first) == len(second) == 5
        for group in "abc":
            assert abs(sum(groups[i] == group for i in first) - sum(groups[i] == group for i in second)) <= 1
    assert len({tuple(sorted(a)) for a, _ in g.halves(groups, 10, 1)}) > 3


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    "Two 'instruments' of different colour, and an untrained model of them."
    folder = tmp_path_factory.mktemp("sounds")
    for group, slope in (("dull", 2.0), ("bright", 0.4)):
        (folder / group).mkdir()
        for i in range(5):
            f0 = 300 * 2 ** (i % 3 / 12) * 2 ** (0.02 * torch.sin(torch.arange(400) / 3))
            audio = tone(f0, 0.1 * (0.7 + 0.3 * torch.sin(torch.arange(400) / 40 + i))[:, None] / torch.arange(1, 9) ** slope, SR, 160)
            soundfile.write(folder / group / f"{group}_{i}.wav", audio.numpy(), SR)
    dataset = data.prepare([folder], folder / "d", frame_rate=100, held_out="*_[34].wav", workers=1, progress=False)
    torch.manual_seed(0)
    net = DDSP(configure(dataset, "harmonic-noise")).eval()
    made = g.Bench(net, dataset, ["clips", "frames"])
    made.folder = folder / "d"
    return made


def test_pieces_carry_their_own_profile(bench):
    assert len(bench.pieces) == 4 and {p.group for p in bench.pieces} == {"dull", "bright"}
    for piece in bench.pieces:
        assert len(piece.audio) == 160 * len(piece.profile.f0_hz) and piece.z.shape == (bench.model.config.z_dims,)
        assert piece.profile.f0_hz.median() == pytest.approx(300 * 2 ** (int(piece.name[-3] == "4") / 12), rel=0.03)


def test_a_judge_that_errs_is_not_used(bench):
    from types import SimpleNamespace

    assert bench.judge is not None
    names = SimpleNamespace(groups=["dull"])
    assert g._reliable_judge(names, bench.pieces) is None                      # a single group
    swapped = [p._replace(group="bright" if p.group == "dull" else "dull") for p in bench.pieces]
    dataset = data.load(bench.folder)
    assert g._reliable_judge(dataset, bench.pieces) is not None and g._reliable_judge(dataset, swapped) is None


def test_bounds_are_what_they_say():
    z, held = torch.randn(500, 3, generator=torch.Generator().manual_seed(1)) * 2 + 5, torch.randn(4, 3)
    found = g.bounds(z, held)
    assert torch.equal(found["mean z"].sample(7, seed=1), z.mean(0).expand(7, -1))
    row = found["shuffled z"].sample(7, seed=2)
    assert (row == row[0]).all() and any(torch.equal(row[0], h) for h in held)
    noise = found["noise z"].sample(4000, seed=3)
    torch.testing.assert_close(noise.mean(0), z.mean(0), atol=0.2, rtol=0)
    torch.testing.assert_close(noise.std(0), z.std(0), atol=0.2, rtol=0)
    assert not torch.equal(noise, found["noise z"].sample(4000, seed=4)) and torch.equal(noise, found["noise z"].sample(4000, seed=3))


def test_play_and_path_agree(bench):
    profile, seen = bench.pieces[0].profile, []
    hook = bench.model.decoder.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[2]))
    sounds = [bench.play("frames", profile, 5), bench.play("frames", profile, 5), bench.play("frames", profile, 6)]
    hook.remove()
    torch.testing.assert_close(seen[0][0], bench.path("frames", profile, 5))
    assert torch.equal(sounds[0], sounds[1]) and not torch.equal(sounds[0], sounds[2])
    assert torch.equal(g.copies(bench, "own z", 1)[0][0], g.copies(bench, "own z", 2)[0][0])


def test_real_against_real_is_one(bench):
    real = g.describe(bench, g.copies(bench, "real", 1))
    found = judge_pieces(bench, real, real)
    assert found["jitter"] == found["drift"] == [1.0] * 4 and np.mean(found["nearest_mel"]) == pytest.approx(1)
    name, second, distance = bench.nearest(bench.train["dull_0"])
    assert name == "dull_0" and distance < 1e-9


def test_clouds_know_a_stranger(bench):
    real = g.describe(bench, g.copies(bench, "real", 1))
    noise = [[torch.randn(len(p.audio), generator=torch.Generator().manual_seed(i)) for i, p in enumerate(bench.pieces)]]
    right, wrong = compare_clouds(bench, real, real, 6), compare_clouds(bench, g.describe(bench, noise), real, 6)
    assert set(right) == set(CLOUD_MEASURES) and all(len(v) == 6 for v in right.values())
    for cloud in ("mel", "crepe"):
        assert np.mean(wrong[f"{cloud}_frechet"]) > 3 * np.mean(right[f"{cloud}_frechet"]) and np.mean(wrong[f"{cloud}_coverage"]) < 0.1


@pytest.fixture(scope="module")
def result(bench):
    return evaluate_priors(bench, draws=8, count=2, splits=4, progress=False)


def test_evaluation_is_complete_and_json(result, bench):
    assert list(result["table"]) == ["real", "own z", "clips", "frames", "shuffled z", "mean z", "noise z"] and result["kinds"] == ["clips", "frames"]
    for row in result["table"].values():
        assert set(MEASURES) <= set(row) and sum(row["shares"].values()) == pytest.approx(1)
    assert len(result["table"]["clips"]["rows"]) == 8 and result["table"]["clips"]["jitter"]["n"] == 8
    assert json.loads(json.dumps(result)) == result


def test_evaluation_is_repeatable(bench, result):
    real = g.describe(bench, g.copies(bench, "real", 1))
    yardstick = np.mean(list(result["yardstick_db"].values()))
    assert judge(bench, "clips", real, yardstick, 8, 2, 4) == result["table"]["clips"]


@pytest.mark.parametrize("choice", [{"draws": 7}, {"count": 0}, {"splits": 1}])
def test_too_few_is_refused(bench, choice):
    with pytest.raises(ValueError, match=next(iter(choice))):
        evaluate_priors(bench, progress=False, **choice)


def test_unknown_kinds_and_models_without_z_are_refused(tone_dataset):
    net = DDSP(configure(tone_dataset, "harmonic-noise"))
    with pytest.raises(ValueError, match="kinds must be among"):
        g.Bench(net, tone_dataset, ["clips", "magic"])
    with pytest.raises(ValueError, match="z_dims is 0"):
        g.Bench(DDSP(configure(tone_dataset, "harmonic-noise", z=False)), tone_dataset, ["clips"])
    with pytest.raises(ValueError, match="four held-out pieces"):
        g.Bench(net, tone_dataset, ["clips"])


def entry(coverage, **other):
    means = {"raw_pitch_accuracy": 1.0, "jitter": 0.9, "drift": 1.0, "consistency": 0.95} | other
    return {**{k: {"mean": v} for k, v in means.items()}, "mel_coverage": {"mean": float(np.mean(coverage))}, "splits": coverage}


def test_the_rule():
    table = {"a": entry([0.7, 0.8]), "b": entry([0.75, 0.86]), "c": entry([1, 1], jitter=1.01), "d": entry([1, 1], raw_pitch_accuracy=0.94),
             "e": entry([1, 1], drift=1.3), "f": entry([1, 1], consistency=0.5), "g": entry([0.8, 0.1], consistency=None)}
    best = best_rung(table, list(table))
    assert (best["kind"], best["second"], best["clear"]) == ("b", "a", True) and best["margin"] == pytest.approx(0.055)
    assert [k for k, passed in best["passes"].items() if passed] == ["a", "b", "g"]
    assert best_rung(table, ["c", "d"])["kind"] is None
    table["a"]["splits"] = [0.9, 0.5]
    assert not best_rung(table, ["a", "b"])["clear"]
    at_the_edge = entry([1, 1], **{k: (low if math.isinf(high) or k == "consistency" else high) for k, (low, high) in LIMITS.items()})
    assert best_rung({"x": at_the_edge}, ["x"])["kind"] == "x"


def test_targets_by_hand():
    row = {"shares": {"x": 0.05, "y": 0.95}, **{k: {"mean": v} for k, v in {"use_of_z": 0.6, "jitter": 1.0, "raw_pitch_accuracy": 0.9, "nearest_mel": 1.3}.items()}}
    found = {r["target"].split()[0]: r["reached"] for r in targets({"k": row}, "k", 4)}
    assert found == {"share": False, "distance": True, "jitter": True, "components": True, "voiced": False, "nearest": False}
    assert len(targets({"k": row | {"shares": None}}, "k")) == 4


def test_pages_hold_everything(bench, result, tmp_path):
    paths = prior_page.write_pages(result, bench, tmp_path / "new")
    assert [p.name for p in paths] == ["priors.json", "priors.html", "listening_priors.html"]
    assert json.loads(paths[0].read_text()) == result
    page = paths[1].read_text(encoding="utf-8")
    assert page.count("<audio") == 6 and page.count("data:image/png") == 2 and ("reached" in page or "No rung" in page)
    trials = prior_page.listening_trials(bench, ["clips", "frames"], 2)
    assert set(trials) == {"dull", "bright"} and all(list(t) == ["reference", "resynthesised", "clips", "frames"] for t in trials.values())
    assert all(len(x) == 2 * SR for t in trials.values() for x in t.values())
    assert prior_page.verdict(result) in prior_page.table_text(result)


def test_command(tone_dataset, tmp_path, capsys):
    from ddsp_course.cli import main

    assert main(["evaluate-prior", "quartet", "--kinds", "magic"]) == 1
    assert "kinds must be among" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["evaluate-prior", "quartet", "--draws", "0"])


@pytest.mark.parametrize("run", ["quartet", "violin"])
def test_stored_results_are_of_this_kind(run):
    "They hold what the code makes today, and the verdict follows from the table."
    from ddsp_course.ladder import KINDS
    from ddsp_course.recordings import data_dir

    path = data_dir() / "results" / f"priors_{run}.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 200_000 and stored["run"] == run and stored["kinds"] == list(KINDS) and stored["processor"]
    assert all(set(MEASURES) <= set(row) for row in stored["table"].values())
    assert best_rung(stored["table"], stored["kinds"]) == stored["best"]
    assert all(len(stored["table"][kind]["rows"]) == stored["settings"]["draws"] == 32 for kind in stored["kinds"])
