"""Quality flags against counting by hand and mir_eval; the shift of a level in noise against sounds; the stored results."""
import json
import math

import mir_eval
import numpy as np
import pytest
import torch

from ddsp_course.loudness import loudness_db
from ddsp_course.recordings import data_dir
from ddsp_course.validation import expected_shift_db, flag_report, trusted_frames


def tracks(seed, n=300):
    g = torch.Generator().manual_seed(seed)
    truth = 100 * 8 ** torch.rand(n, generator=g) * (torch.rand(n, generator=g) < 0.7)
    def noisy(): return torch.where(truth > 0, truth, 200.0) * 2 ** (0.04 * torch.randn(n, generator=g)) * (torch.rand(n, generator=g) < 0.8)
    return truth, noisy(), noisy()


@pytest.mark.parametrize("seed", range(3))
def test_right_is_the_precision_that_mir_eval_counts(seed):
    truth, a, b = tracks(seed)
    report = flag_report(a, truth, trusted_frames(a, b))
    voiced = truth > 0
    accuracy = mir_eval.melody.raw_pitch_accuracy(voiced.numpy().astype(float), 1200 * np.log2(np.maximum(truth.numpy(), 1e-9) / 10),
                                                  (a > 0).numpy().astype(float), 1200 * np.log2(np.maximum(a.numpy(), 1e-9) / 10))
    assert report["right"] == pytest.approx(accuracy * voiced.sum().item() / (a > 0).sum().item(), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_what_one_counts(seed):
    truth, a, b = tracks(seed)
    kept = right = right_kept = caught = estimates = 0
    for t, x, y in zip(truth.tolist(), a.tolist(), b.tolist()):
        if x > 0:
            ok, agreed = t > 0 and abs(1200 * math.log2(x / t)) <= 50, y > 0 and abs(1200 * math.log2(x / y)) <= 50
            estimates, kept, right, right_kept, caught = estimates + 1, kept + agreed, right + ok, right_kept + (ok and agreed), caught + (not ok and not agreed)
    wanted = {"right": right / estimates, "right_if_trusted": right_kept / kept, "kept": kept / estimates, "caught": caught / (estimates - right)}
    assert flag_report(a, truth, trusted_frames(a, b)) == pytest.approx(wanted, abs=1e-6)


def test_perfect_and_useless_flags():
    truth, a, _ = tracks(5, 20000)
    perfect = flag_report(a, truth, trusted_frames(a, truth))
    assert perfect["caught"] == perfect["right_if_trusted"] == 1 and perfect["kept"] == perfect["right"]
    coin = torch.rand(len(a), generator=torch.Generator().manual_seed(0)) < 0.7
    useless = flag_report(a, truth, coin)
    assert abs(useless["caught"] - (1 - useless["kept"])) < 0.02 and abs(useless["right_if_trusted"] - useless["right"]) < 0.01


def test_nothing_to_share():
    zero, note = torch.zeros(5), torch.full((5,), 220.0)
    assert flag_report(zero, note, zero.bool()) == {"right": None, "right_if_trusted": None, "kept": None, "caught": None}
    assert flag_report(note, note, zero.bool()) == {"right": 1.0, "right_if_trusted": None, "kept": 0.0, "caught": None}
    assert not trusted_frames(zero, note).any() and not trusted_frames(note, 1.031 * note).any() and trusted_frames(note, 1.029 * note).all()
    for bad in (torch.zeros(4), torch.zeros(5, 1)):
        with pytest.raises(ValueError, match="must have one shape"):
            flag_report(zero, bad, zero.bool())


@pytest.mark.parametrize("above_db", [2.0, 6.0, 15.0, 35.0])
def test_expected_shift_of_a_sound_in_noise(above_db):
    g, sr = torch.Generator().manual_seed(1), 16000
    def noise(): return 0.01 * torch.randn(20 * sr, generator=g)
    def level(x): return 10 * torch.log10((10 ** (loudness_db(x, sr, 100) / 10)).mean())
    floor = level(noise())
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(20 * sr) / sr)
    tone = tone * 10 ** ((floor - level(tone)) / 20) * (10 ** (above_db / 10) - 1) ** 0.5
    before, after = level(tone + noise()), level(0.5 * tone + noise())
    assert abs(before - floor - above_db) < 0.1
    assert abs(expected_shift_db(before, floor, -6.0206) - (after - before)) < 0.1


def test_limits_of_the_expected_shift():
    assert torch.allclose(expected_shift_db(torch.tensor([90.0, 0.0, -1.0, -50.0]), 0.0, -6.0), torch.tensor([-6.0, 0.0, 0.0, 0.0]), atol=1e-5)
    assert expected_shift_db(torch.tensor([-20.0]), -30.0, 0.0).abs().max() < 1e-6
    level = torch.tensor([-40.0, -20.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: expected_shift_db(x, -45.0, -6.0), level)


def test_stored_results_are_those_of_the_script():
    stored = json.loads((data_dir() / "results" / "f0_agreement.json").read_text())
    assert set(stored["results"]) == {"melodies", "singer"} and stored["settings"]["melodies"] == 8
    for rows in stored["results"].values():
        assert [row["snr_db"] for row in rows] == [None, 20, 10, 0]
        for row in rows:
            if row["right_if_trusted"] is not None:
                assert row["right_if_trusted"] * row["kept"] + (1 - row["caught"]) * (1 - row["right"]) == pytest.approx(row["kept"], abs=2e-4)
