"""The page of an evaluation: its figures are those of the report, the worst recording is first, a bad one does not stop the rest."""
import json
import re
import types

import pytest
import torch

from ddsp_course import evaluation_page, metrics, model
from ddsp_course.evaluation_page import ALL_UNITS, NOT_PLACED, energy_figure, full_report, measure_rows, recording_rows, values, worst_first, write_page

BAD = ("silent", "unvoiced")


class WithBadRecordings:
    "A data set with two more held-out recordings: 2 s of silence, and 2 s of noise without a pitch."

    def __init__(self, dataset):
        noise = 0.05 * torch.randn(32000, generator=torch.Generator().manual_seed(0))
        self.inner, self.bad = dataset, [torch.zeros(32000), noise]
        self.sample_rate, self.frame_rate, self.hop_length, self.features, self.groups = dataset.sample_rate, dataset.frame_rate, dataset.hop_length, dataset.features, dataset.groups
        extra = [types.SimpleNamespace(name=name, group="bad", split="test", n_samples=32000) for name in BAD]
        self.recordings = [*dataset.recordings, *extra]

    def split(self, name):
        n = len(self.inner.recordings)
        return self.inner.split(name) + ([n, n + 1] if name == "test" else [])

    def get(self, i):
        if i < len(self.inner.recordings):
            return self.inner.get(i)
        from ddsp_course.features import extract_features

        audio = self.bad[i - len(self.inner.recordings)]
        return {"audio": audio, **extract_features(audio, self.sample_rate, self.frame_rate, "pyin"), "confidence": torch.zeros(200)}

    def crop(self, i, start, n):
        if i < len(self.inner.recordings):
            return self.inner.crop(i, start, n)
        x = self.get(i)
        return {key: v[start * 160:(start + n) * 160] if key == "audio" else v[start:start + n] for key, v in x.items()}


@pytest.fixture(scope="module")
def judged(tone_dataset):
    "A small untrained model, a data set with two bad recordings, and the report."
    torch.manual_seed(0)
    net = model.DDSP(model.configure(tone_dataset, n_harmonics=12, hidden=24)).eval()
    dataset = WithBadRecordings(tone_dataset)
    return net, dataset, full_report(net, dataset)


def test_report_is_json_and_agrees_with_the_judges(judged, tone_dataset):
    net, _, report = judged
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    alone = metrics.reconstruction_report(net, tone_dataset)
    for row in alone["rows"]:
        assert row == next(r for r in report["rows"] if r["name"] == row["name"])
    for part in (report, report["best"], report["worst"]):
        assert set(ALL_UNITS) <= set(part) and all(set(part[key]) == {"mean", "ci95", "unit", "n"} for key in ALL_UNITS)
    assert set(report["place"]) == set(ALL_UNITS) - set(NOT_PLACED) and "movs" not in json.dumps(report["best"])


def test_bad_recordings_have_no_value_where_there_is_none_and_stop_nothing(judged):
    _, dataset, report = judged
    n = len(dataset.split("test"))
    assert [row["name"] for row in report["rows"]][-2:] == list(BAD) and len(report["rows"]) == n == 4
    for part in (report, report["best"], report["worst"]):
        assert [v is None for v in values(part, "f0_l1_midi")] == [False, False, True, True]
        assert values(part, "log_spectral_distance_db")[2] is None and part["log_spectral_distance_db"]["n"] == n - 1
        assert None not in values(part, "multiscale_loss") and values(part, "peaq_odg")[2] is None
    assert values(report["best"], "multiscale_loss")[2] == 0


def test_rows_show_the_numbers_of_the_report(judged):
    _, _, report = judged
    rows = {row[0]: row for row in measure_rows(report)}
    assert list(rows) == list(ALL_UNITS)
    for key in ALL_UNITS:
        for cell, part in zip((rows[key][1], rows[key][3], rows[key][4]), (report, report["best"], report["worst"])):
            mean = part[key]["mean"]
            assert cell == "-" if mean is None else float(cell) == pytest.approx(mean, rel=6e-3)
        where = report["place"].get(key, {"mean": None})["mean"]
        assert rows[key][5] == "-" if where is None else float(rows[key][5]) == pytest.approx(where, abs=0.006)


def test_the_recording_farthest_from_its_best_is_first(judged):
    _, _, report = judged
    own, best = values(report, "multiscale_loss"), values(report["best"], "multiscale_loss")
    gaps = [own[i] - best[i] for i in worst_first(report)]
    assert gaps == sorted(gaps, reverse=True) and len(set(gaps)) == 4
    assert [row[0] for row in recording_rows(report)] == [report["rows"][i]["name"] for i in worst_first(report)]


def test_page_is_whole_small_and_escaped(judged, tmp_path):
    net, dataset, report = judged
    log = [{"step": i, "loss": 3.0 / i, "harmonic_db": -20.0, "noise_db": -40.0} for i in range(1, 5)] + [{"step": 4, "held_out_loss": 2.0}]
    write_page(tmp_path / "e.html", "<b>run</b>", net, dataset, report, log, count=4, seconds=1.0)
    text = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert len(text) < 4e6 and "<b>run</b>" not in text and "&lt;b&gt;run&lt;/b&gt;" in text and "http" not in re.sub(r"base64,[\w+/=]*", "", text)
    assert text.count("<audio") == 4 * 6 and text.count("<img") == 4 * 2 + 2 and [p.name for p in tmp_path.iterdir()] == ["e.html"]
    for row in measure_rows(report):
        assert "".join(f"<td>{cell}</td>" for cell in row) in text
    write_page(tmp_path / "e.html", "short", net, dataset, report, count=1, seconds=1.0)
    text = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert "Training" not in text and text.count("<audio") == 6


def test_excerpts_are_aligned(judged):
    "The excerpt of the copy is the part of the whole copy at the place of the recording's excerpt."
    net, dataset, _ = judged
    i = dataset.split("test")[0]
    sounds, crop = evaluation_page._sounds(net, {}, dataset, i, 1.0, 0)
    whole, audio = metrics.resynthesize(net, dataset.get(i))["wet"], dataset.get(i)["audio"]
    start = next(s for s in range(0, len(audio) - 16000, 160) if torch.equal(audio[s:s + 16000], sounds["recording"]))
    assert torch.equal(whole[start:start + 16000], sounds["resynthesis"]) and len(crop["f0_hz"]) == 100
    assert torch.allclose(sounds["harmonic part"] + sounds["noise part"], sounds["resynthesis"], atol=1e-6)


def test_energies_are_drawn_where_they_were_logged():
    from matplotlib import pyplot as plt

    assert energy_figure([]) is None and energy_figure([{"step": 1, "loss": 1.0}]) is None
    fig = energy_figure([{"step": 1, "harmonic_db": -3.0}, {"step": 2, "harmonic_db": -4.0, "noise_db": -50.0}, {"step": 2, "held_out_loss": 1.0}])
    assert [list(line.get_ydata()) for line in fig.axes[0].lines] == [[-3.0, -4.0], [-50.0]]
    plt.close(fig)
