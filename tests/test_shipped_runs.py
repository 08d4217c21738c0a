"""The trained runs in data/runs: complete, small, found by name, and as good as their cards say."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ddsp_course import cli, evaluation_page, generation, metrics, model, profiles, runs
from ddsp_course.prior import LatentPrior

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("quartet", "violin")
FILES = {"README.md", "config.json", "figures.json", "instruments.json", "metrics.jsonl", "model.safetensors", "prior.safetensors", "train.json"}


@pytest.fixture(scope="module", params=NAMES)
def shipped(request):
    "Name, folder, model and figures of a shipped run."
    folder = runs.find_run(request.param)
    return request.param, folder, model.load(folder), json.loads((folder / "figures.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    "Bundled data sets go to a temporary folder."
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDSP_COURSE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_the_runs_are_those_that_the_help_names():
    assert tuple(runs.shipped_runs()) == NAMES and all(name in cli.RUN_HELP for name in NAMES)


def test_complete_small_and_without_a_path(shipped):
    name, folder, _, _ = shipped
    assert {path.name for path in folder.iterdir()} == FILES
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6
    for path in folder.iterdir():
        text = path.read_bytes().decode("latin-1") if path.suffix != ".safetensors" else str(_header(path))
        assert not re.search(r"/(?:home|Users|tmp|root|work|mnt|var)/|[A-Z]:\\", text), path.name
    assert json.loads((folder / "train.json").read_text())["dataset"] == f"bundled:{name}"


def _header(path):
    "What a safetensors file says in words."
    content = path.read_bytes()
    return content[8:8 + int.from_bytes(content[:8], "little")]


def test_a_folder_wins_over_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert runs.find_run("quartet").parent.name == "runs"
    (tmp_path / "quartet").mkdir()
    assert runs.find_run("quartet") == Path("quartet") and runs.find_run(tmp_path) == tmp_path


@pytest.mark.parametrize("wrong", ["cello", "Quartet", "violin/prior.safetensors", "no/such/folder"])
def test_unknown_run_lists_the_shipped_ones(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=re.escape(repr(wrong))) as caught:
        runs.find_run(wrong)
    assert all(name in str(caught.value) for name in NAMES)


def test_unknown_bundled_set_lists_the_known_ones():
    with pytest.raises(ValueError, match="quartet.*violin.*cello"):
        runs.bundled_dataset("cello")


def test_shipped_runs_stay_as_they_are(capsys, tmp_path, shipped):
    name, folder, _, _ = shipped
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for words in (["fit-prior", name], ["fit-prior", str(folder)]):
        assert cli.main(words) == 1 and "copy its folder" in capsys.readouterr().err
    assert runs.own_run(tmp_path) == tmp_path
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_log_shows_a_falling_held_out_loss(shipped):
    held_out = [line["held_out_loss"] for line in runs.read_log(shipped[1]) if "held_out_loss" in line]
    assert len(held_out) >= 4 and held_out[-1] < 0.9 * held_out[0]


def test_generated_notes_have_the_pitch_of_the_profile(shipped):
    "Each component of the prior plays a short melody within 50 cents in 95 % of the voiced frames, by pYIN."
    _, folder, net, _ = shipped
    prior, level = LatentPrior.load(folder / "prior.safetensors"), net.config.statistics["loudness_db"]
    melody = profiles.from_notes([(67, 1), (71, 1), (None, 0.5), (74, 1), (69, 1)], tempo=120, frame_rate=100)
    melody = profiles.match_loudness(melody, level["mean"], 0.5 * level["std"])
    sounds = [generation.generate(net, prior, melody, seed=1, component=k) for k in range(prior.n_components)]
    for sound in sounds:
        assert float(sound.abs().max()) < 1 and generation.adherence(sound, net.config.sample_rate, melody)["raw_pitch_accuracy"] >= 0.95
    assert all(not torch.equal(sounds[0], other) for other in sounds[1:])


def test_cards_agree_with_a_fresh_evaluation(shipped, cache):
    "Every figure of every held-out recording, as far as rounding on another machine allows."
    name, folder, net, figures = shipped
    fresh, written = metrics.reconstruction_report(net, runs.run_dataset(name)), figures["evaluation"]
    assert [row["name"] for row in fresh["rows"]] == [row["name"] for row in written["rows"]]
    for key in metrics.UNITS:
        tolerance = {"raw_pitch_accuracy": 0.005, "f0_outliers": 0.01, "f0_l1_midi": 0.01, "harmonic_to_noise_db": 0.5}.get(key, 0.05)
        for now, then in zip(fresh["rows"], written["rows"]):
            assert now[key] == pytest.approx(then[key], abs=tolerance), (now["name"], key)
        assert fresh[key]["mean"] == pytest.approx(written[key]["mean"], abs=tolerance)
        low, high = written[key]["ci95"]
        assert low <= written[key]["mean"] <= high and f"`{key}` | {written[key]['mean']:.4g} | {low:.4g} to {high:.4g}" in (folder / "README.md").read_text(encoding="utf-8")


def test_cards_reach_the_targets_of_the_demo(shipped):
    name, _, net, figures = shipped
    evaluation = figures["evaluation"]
    assert evaluation["raw_pitch_accuracy"]["mean"] >= 0.95 and evaluation["loudness_l1_db"]["mean"] <= 2.5
    assert evaluation["harmonic_to_noise_db"]["mean"] > 0 and figures["parameters"] == sum(p.numel() for p in net.parameters())
    if name == "quartet":
        assert figures["swap"]["swapped"] >= 0.9 and figures["prior"]["purity"] >= 0.9


def test_evaluate_by_name_writes_only_where_it_is_told(capsys, tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    figures = json.loads((runs.find_run("violin") / "figures.json").read_text(encoding="utf-8"))["evaluation"]
    monkeypatch.setattr(evaluation_page, "ALL_UNITS", metrics.UNITS)
    monkeypatch.setattr(evaluation_page, "full_report", lambda *_, **__: {**figures, "best": figures, "worst": figures, "place": {}})    # not made anew
    monkeypatch.setattr(evaluation_page, "write_page", lambda path, *_, **__: path.write_text("page"))
    assert cli.main(["evaluate", "violin", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] and not list(tmp_path.iterdir())
    assert cli.main(["evaluate", "violin", "--out", "judged"]) == 0
    assert {path.name for path in (tmp_path / "judged").iterdir()} == {"evaluation.json", "evaluation.html"}
    assert {path.name for path in runs.find_run("violin").iterdir()} == FILES


def test_generate_by_name(capsys, tmp_path):
    assert cli.main(["generate", "quartet", str(tmp_path / "hello.wav"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["seconds"] > 3


def test_the_wheel_carries_them(tmp_path):
    "What setup.py puts into a wheel includes each file of each run."
    done = subprocess.run([sys.executable, "setup.py", "-q", "build", "--build-base", str(tmp_path / "b"), "egg_info", "--egg-base", str(tmp_path)],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    packed = tmp_path / "b" / "lib" / "ddsp_course" / "_data" / "runs"
    assert {str(path.relative_to(packed)) for path in packed.rglob("*") if path.is_file()} == {f"{name}/{file}" for name in NAMES for file in FILES}
