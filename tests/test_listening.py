"""The listening test: levels and anchor, blind orders, the page's content, reading ratings, and the analysis."""
import base64
import csv
import io
import json
import re
from collections import Counter

import numpy as np
import pytest
import soundfile
import torch
from scipy.stats import chisquare

from ddsp_course.listening import (ANCHOR, HIDDEN, Rating, Results, analyse, conditions, level_db, low_pass, order, read_results,
                                   stimuli, write_page)

SR = 16000


def sound(seed, n=SR // 2):
    return 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def trials():
    return {f"trial {i}": {"reference": sound(i), "ours": 3 * sound(10 + i), "theirs": 0.2 * sound(20 + i).cumsum(0)} for i in range(3)}


def content(page):
    return json.loads(re.search(r"const TEST = (\{.*?\}), RANGES", page.read_text(encoding="utf-8")).group(1))


def write_ratings(path, trials, listener, seed, score):
    "A CSV file as the page gives it, the score a function of trial and condition."
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["listener", "trial", "player", "score"])
        for number, (trial, codes) in enumerate(order(trials, listener, seed).items(), 1):
            writer.writerows([listener, number, code, score(trial, name)] for code, name in codes.items())
    return path


def test_level_is_that_of_a_sine():
    t = np.arange(44100) / 44100
    assert level_db(np.sin(2 * np.pi * 1000 * t), 44100) == pytest.approx(-3.0103, abs=1e-3)
    assert level_db(0.5 * np.sin(2 * np.pi * 100 * t), 44100) == pytest.approx(-3.0103 - 6.0206 - 19.1, abs=0.1)      # IEC 61672: -19.1 dB
    assert level_db(torch.zeros(100), SR) == -np.inf


@pytest.mark.parametrize("n", (999, 1000))
def test_level_is_the_weighted_power_for_even_and_odd_lengths(n, monkeypatch):
    monkeypatch.setattr("ddsp_course.listening.a_weighting_db", torch.zeros_like)
    x = sound(0, n)
    assert level_db(x, SR) == pytest.approx(10 * float(x.double().square().mean().log10()), abs=1e-9)


def test_anchor_keeps_to_the_limits_of_the_standard():
    click = torch.zeros(SR, dtype=torch.float64)
    click[SR // 2] = 1
    gain_db = 20 * torch.fft.rfft(low_pass(click, 3500, SR)).abs().clamp(min=1e-9).log10()
    assert gain_db[:3501].abs().max() < 0.1 and gain_db[4000] < -25 and gain_db[4500:].max() < -50


def test_anchor_does_not_wrap_its_end_to_its_start():
    click = torch.zeros(1000)
    click[-1] = 1
    anchor = low_pass(click, 3500, SR)
    assert anchor[-1] > 0.4 and anchor[:500].abs().max() < 1e-3


def test_stimuli_have_one_level_and_do_not_clip(trials):
    sounds = stimuli(trials, SR)
    levels = [level_db(x, SR) for parts in sounds.values() for x in parts.values()]
    assert max(levels) - min(levels) < 1e-3
    assert max(float(x.abs().max()) for parts in sounds.values() for x in parts.values()) == pytest.approx(0.9, abs=1e-4)
    assert list(sounds["trial 0"]) == conditions(trials) == [HIDDEN, ANCHOR, "ours", "theirs"]


def test_order_is_like_chance(trials):
    plans = [order(trials, f"listener {i}", 5) for i in range(2400)]
    trial_orders = Counter(tuple(plan) for plan in plans)
    player_orders = Counter(tuple(plan["trial 1"].values()) for plan in plans)
    assert (len(trial_orders), len(player_orders)) == (6, 24)
    assert chisquare(list(trial_orders.values())).pvalue > 1e-3 and chisquare(list(player_orders.values())).pvalue > 1e-3
    assert order(trials, "Ada", 5) == order(trials, "Ada", 5) != order(trials, "Ada", 6)
    codes = [code for plan in plans for players in plan.values() for code in players]
    assert len(set(codes)) == len(codes)


def test_page_holds_the_sounds_and_no_names(trials, tmp_path):
    page = write_page(trials, SR, tmp_path / "new" / "page.html", "</script> \"Zoë\", the 1st", 3)
    assert page == tmp_path / "new" / "page.html" and [p.name for p in page.parent.iterdir()] == ["page.html"]
    text, test = page.read_text(encoding="utf-8"), content(page)
    assert text.count("</script>") == 1 and test["listener"] == "</script> \"Zoë\", the 1st"
    assert not re.search(r"https?:|src=|url\(|ours|theirs|hidden|anchor", re.sub(r"base64,[^\"]*", "", text))
    plan, sounds = order(trials, test["listener"], 3), stimuli(trials, SR)
    for shown, (trial, codes) in zip(test["trials"], plan.items(), strict=True):
        assert [player["id"] for player in shown["players"]] == list(codes)
        for player in shown["players"]:
            audio, sr = soundfile.read(io.BytesIO(base64.b64decode(player["sound"].split(",")[1])))
            wanted = sounds[trial][codes[player["id"]]].numpy()
            spectra = [np.abs(np.fft.rfft(x, SR)) for x in (audio, wanted)]
            assert sr == SR and np.corrcoef(*[s[:3000] for s in spectra])[0, 1] > 0.9


@pytest.mark.parametrize("change, word", [
    (lambda t: t.clear(), "at least one trial"),
    (lambda t: t["trial 1"].pop("reference"), "trials\\['trial 1'\\].*'reference'"),
    (lambda t: t.update({"trial 1": {"reference": sound(0)}}), "at least one system"),
    (lambda t: t["trial 2"].pop("ours"), "trials\\['trial 2'\\] must have the systems \\['ours', 'theirs'\\], got \\['theirs'\\]"),
    (lambda t: [parts.update({HIDDEN: sound(0)}) for parts in t.values()], "must not be called"),
    (lambda t: t["trial 1"].update(ours=sound(0)[:-1]), "as long as its reference \\[8000\\], got \\[7999\\]"),
    (lambda t: t["trial 1"].update(ours=sound(0).expand(2, -1)), "must be \\[T\\]"),
    (lambda t: t["trial 0"].update(reference=torch.zeros(8000)), "\\['reference'\\] is silent"),
    (lambda t: t["trial 0"].update(theirs=torch.zeros(8000)), "\\['theirs'\\] is silent"),
    (lambda t: t["trial 0"]["ours"].__setitem__(7, torch.nan), "\\['ours'\\] must be finite"),
    (lambda t: t["trial 0"].update(ours=sound(0)[:0]), "\\['ours'\\] must have shape"),
])
def test_bad_trials_are_refused_by_name(trials, tmp_path, change, word):
    change(trials)
    with pytest.raises(ValueError, match=word):
        write_page(trials, SR, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("listener", ("", "  ", "two\nlines", None))
def test_a_listener_has_a_name(trials, listener):
    with pytest.raises(ValueError, match="listener must be"):
        order(trials, listener)


def test_low_rates_and_integers_are_refused(trials, tmp_path):
    with pytest.raises(ValueError, match="8000"):
        write_page(trials, 4000, tmp_path / "page.html")
    trials["trial 0"]["ours"] = torch.ones(8000, dtype=torch.int16)
    with pytest.raises(TypeError, match="'ours'"):
        write_page(trials, SR, tmp_path / "page.html")


def test_ratings_come_back(trials, tmp_path):
    score = lambda trial, name: (7 * int(trial[-1]) + 13 * conditions(trials).index(name)) % 101
    paths = [write_ratings(tmp_path / f"{i}.csv", trials, listener, 4, score) for i, listener in enumerate(("Ada", "Bela, the 2nd"))]
    results = read_results(paths, trials, 4)
    assert not results.problems
    wanted = {(who, t, c, float(score(t, c))) for who in ("Ada", "Bela, the 2nd") for t in trials for c in conditions(trials)}
    assert set(map(tuple, results.ratings)) == wanted and len(results.ratings) == 24
    assert read_results(str(paths[0]), trials, 4).ratings == results.ratings[:12]


def test_another_seed_reads_nothing(trials, tmp_path):
    results = read_results(write_ratings(tmp_path / "a.csv", trials, "Ada", 4, lambda *_: 50), trials, 5)
    assert not results.ratings and len(results.problems) == 12 and "another seed" in results.problems[0]


@pytest.mark.parametrize("score", ("", "abc", "nan", "-1", "100.5", "inf"))
def test_a_bad_row_is_named_and_the_rest_is_kept(trials, tmp_path, score):
    path = write_ratings(tmp_path / "a.csv", trials, "Ada", 4, lambda *_: 50)
    lines = path.read_text().splitlines()
    lines[4] = lines[4].rsplit(",", 1)[0] + f',"{score}"'
    path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")                      # a byte order mark, as Excel writes
    results = read_results(path, trials, 4)
    assert len(results.ratings) == 11 and len(results.problems) == 2
    assert "a.csv, row 5: score must be" in results.problems[0] and results.problems[1] == "listener 'Ada': 1 of 12 ratings are missing"


def test_broken_files_are_named_and_the_rest_is_read(trials, tmp_path):
    good = write_ratings(tmp_path / "good.csv", trials, "Ada", 4, lambda *_: 50)
    cut = write_ratings(tmp_path / "cut.csv", trials, "Bela", 4, lambda *_: 60)
    cut.write_text("".join(cut.read_text().splitlines(True)[:6])[:-8])
    other = write_ratings(tmp_path / "again.csv", trials, "Ada", 4, lambda *_: 90)
    for name, data in (("empty.csv", b""), ("bytes.csv", b"\xff\xfe\x00\x01"), ("columns.csv", b"a;b\n1;2\n")):
        (tmp_path / name).write_bytes(data)
    bad = [tmp_path / name for name in ("empty.csv", "bytes.csv", "columns.csv", "missing.csv")]
    results = read_results([*bad, good, cut, other], trials, 4)
    assert {r.score for r in results.ratings if r.listener == "Ada"} == {50.0}
    assert 12 + 4 <= len(results.ratings) < 12 + 12
    for name in ("empty.csv", "bytes.csv", "columns.csv", "missing.csv", "again.csv, row 2: 'Ada' has rated", "listener 'Bela'"):
        assert any(name in problem for problem in results.problems), name


def test_rows_with_too_few_or_too_many_cells_do_not_stop_the_reading(trials, tmp_path):
    path = write_ratings(tmp_path / "a.csv", trials, "Ada", 4, lambda *_: 50)
    with open(path, "a") as file:
        file.write('"Ada"\n\n,,,\n"Ada","1","zzz","5","6","7"\n')
    results = read_results(path, trials, 4)
    assert len(results.ratings) == 12 and len(results.problems) == 3


def test_analysis_against_a_calculation_by_hand():
    scores = {"Ada": {"a": (60, 80), HIDDEN: (100, 89)}, "Bela": {"a": (50, 50), HIDDEN: (100, 90)}, "Chen": {"a": (40, 20), HIDDEN: (95, 100)}}
    results = Results([Rating(who, f"t{i}", c, float(s)) for who, of in scores.items() for c, pair in of.items() for i, s in enumerate(pair)], [])
    report = analyse(results)
    assert list(report["systems"]) == [HIDDEN, "a"] and report["flagged"] == {"Ada": 0.5}
    a = report["systems"]["a"]
    assert a["mean"] == 50 and a["n"] == 3 and a["ci95"] == [30, 70]          # of 27 draws one is all Chen (30), one all Ada (70): 3.7 % each
    assert analyse(Results(results.ratings[:4], []))["systems"]["a"]["ci95"] is None
    with pytest.raises(ValueError, match="no rating"):
        analyse(Results([], []))


def test_screening_starts_above_15_per_cent():
    def listener(name, bad, of): return [Rating(name, str(i), HIDDEN, 89.0 if i < bad else 90.0) for i in range(of)]
    report = analyse(Results(listener("three of twenty", 3, 20) + listener("four of twenty", 4, 20) + listener("none", 0, 20), []))
    assert report["flagged"] == {"four of twenty": 0.2}


def test_intervals_cover_the_truth():
    "Of 200 tests with 20 listeners, nearly 95 % of the intervals hold the true mean (the percentile bootstrap is a little narrow)."
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        ratings = [Rating(str(i), str(j), "a", float(50 + own + e)) for i, own in enumerate(rng.normal(0, 8, 20)) for j, e in enumerate(rng.normal(0, 5, 3))]
        low, high = analyse(Results(ratings, []))["systems"]["a"]["ci95"]
        held += low <= 50 <= high
    assert 0.88 < held / 200 < 0.98
