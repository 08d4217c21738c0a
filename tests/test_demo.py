"""The demo on tones: whole path, report, and a second call that continues."""
import json
import re

import pytest

from ddsp_course import demo


@pytest.fixture(scope="module")
def result(tone_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "out"
    return out, demo.run(out, audio=tone_folder, steps=6, progress=False)


def test_every_step_leaves_its_result(result):
    out, answer = result
    for name in ("dataset/dataset.json", "run/model.safetensors", "run/prior.safetensors", "figures.json", "report.html"):
        assert (out / name).is_file(), name
    assert len(list((out / "melodies").glob("*.wav"))) == 2
    assert set(answer["seconds"]) == {"prepare", "train", "evaluate", "prior", "generate", "report"}
    assert json.loads((out / "figures.json").read_text())["figures"] == answer["figures"]


def test_report_is_self_contained(result):
    page = (result[0] / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 2 + 2 * 4 and "</html>" in page
    outside = [address for address in re.findall(r'(?:src|href)="([^"]*)"', page) if not address.startswith(("data:", "#"))]
    assert not outside


def test_figures_name_unit_and_target(result):
    for row in result[1]["figures"]:
        assert set(row) == {"name", "value", "unit", "target", "reached"} and isinstance(row["reached"], bool)
    table = demo.figures_table(result[1]["figures"])
    assert len(table.splitlines()) == len(result[1]["figures"]) == 5


def test_second_call_continues_without_training_again(result, tone_folder):
    out, first = result
    before = (out / "run" / "model.safetensors").read_bytes()
    again = demo.run(out, audio=tone_folder, steps=6, progress=False)
    assert (out / "run" / "model.safetensors").read_bytes() == before
    assert again["evaluation"] == first["evaluation"]


def test_a_missed_target_is_said():
    rows = demo.figures({"raw_pitch_accuracy": {"mean": 0.5}, "loudness_l1_db": {"mean": 2.0}, "harmonic_to_noise_db": {"mean": -1.0}}, None, {"x": {"raw_pitch_accuracy": 1.0}})
    assert [row["reached"] for row in rows] == [False, True, False, True]
    assert demo.figures_table(rows).count("MISS") == 2
