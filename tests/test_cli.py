"""The command line: exit states, JSON, and one small run through every command."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

from ddsp_course import cli


def call(capsys, *words):
    "Exit status, standard output and standard error of a command in this process."
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def run(tone_dataset, tmp_path_factory):
    "A run trained by the command line for a few steps."
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert cli.main(["train", str(tone_dataset.folder), "--out", str(folder), "--steps", "4"]) == 0
    return folder


def test_every_command_has_help(capsys):
    for command in ("demo", "prepare", "train", "evaluate", "compare", "fit-prior", "generate", "data", "student", "progress", "lab"):
        status, out, _ = call(capsys, command, "--help")
        assert status == 0 and "--seed" in out and "--json" in out


def test_options_may_stand_before_or_after_the_action(capsys):
    for words in (["data", "list", "--json"], ["data", "--json", "list"]):
        status, out, _ = call(capsys, *words)
        assert status == 0 and json.loads(out)["collections"]


def test_installed_command():
    done = subprocess.run([Path(sys.executable).with_name("ddsp-course"), "data", "list", "--json"], capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["collections"]


@pytest.mark.parametrize("words", [[], ["fly"], ["train", "d"], ["train", "d", "--out", "r", "--steps", "0"], ["train", "d", "--out", "r", "--minutes", "nan"],
                                   ["train", "d", "--out", "r", "--size", "huge"], ["compare", "d"], ["compare", "d", "--out", "c", "--seeds", "0"],
                                   ["train", "d", "--out", "r", "--steps", "5", "--minutes", "1"], ["fit-prior", "r", "--components", "many"],
                                   ["prepare", "x", "--out", "d", "--f0", "guess"], ["student"], ["student", "--out", "d", "--part", "t9"], ["progress"],
                                   ["progress", "x", "--timeout", "0"], ["progress", "x", "--workers", "0"]])
def test_wrong_calls_exit_with_2(capsys, words):
    status, out, err = call(capsys, *words)
    assert status == 2 and not out and "usage" in err


@pytest.mark.parametrize("words, reason", [
    (["prepare", "nowhere", "--out", "d"], "nowhere"), (["train", "nowhere", "--out", "r"], "nowhere"), (["evaluate", "nowhere"], "nowhere"),
    (["fit-prior", "nowhere"], "nowhere"), (["generate", "nowhere", "x.wav"], "nowhere"), (["data", "fetch", "nothing"], "nothing"), (["compare", "nowhere", "--out", "c"], "nowhere"),
    (["student", "--out", Path(cli.__file__)], "cli.py"),
])
def test_failures_exit_with_1_and_one_reason(capsys, tmp_path, monkeypatch, words, reason):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, *words)
    assert status == 1 and not out and reason in err and "Traceback" not in err


def test_prepare_reports_bad_files(capsys, tone_folder, tmp_path):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "good one 好.wav", soundfile.read(tone_folder / "low" / "low_0.wav")[0], 16000)
    (tmp_path / "in" / "text.wav").write_text("not a sound")
    status, out, _ = call(capsys, "prepare", tmp_path / "in", "--out", tmp_path / "d", "--frame-rate", 100, "--json")
    answer = json.loads(out)
    by_name = {row["name"]: row for row in answer["report"]}
    assert status == 0 and by_name["good one 好.wav"]["status"] == "used" and by_name["text.wav"]["status"] == "rejected" and by_name["text.wav"]["reason"]


def test_prepare_with_nothing_usable_fails(capsys, tmp_path):
    (tmp_path / "text.wav").write_text("not a sound")
    status, _, err = call(capsys, "prepare", tmp_path / "text.wav", "--out", tmp_path / "d")
    assert status == 1 and "text.wav" in err


def test_train_refuses_an_existing_run_and_resumes_it(capsys, run, tone_dataset):
    status, _, err = call(capsys, "train", tone_dataset.folder, "--out", run, "--steps", 4)
    assert status == 1 and "resume" in err
    status, out, _ = call(capsys, "train", tone_dataset.folder, "--out", run, "--resume", "--json")
    assert status == 0 and json.loads(out)["steps"] == 4


def test_evaluate(capsys, run, tmp_path):
    status, out, _ = call(capsys, "evaluate", run, "--out", tmp_path / "judged", "--json")
    answer = json.loads(out)
    assert status == 0 and {p.name for p in (tmp_path / "judged").iterdir()} == {"evaluation.json", "evaluation.html"}
    assert json.loads((tmp_path / "judged" / "evaluation.json").read_text(encoding="utf-8")) == answer
    for name in ("multiscale_loss", "log_spectral_distance_db", "loudness_l1_db", "f0_l1_midi", "f0_outliers", "raw_pitch_accuracy", "peaq_odg", "pemoq_psmt"):
        for part in (answer, answer["best"], answer["worst"]):
            assert {"mean", "ci95", "unit"} <= set(part[name])
        assert {"mean", "ci95", "n"} == set(answer["place"][name])
    assert answer["best"]["multiscale_loss"]["mean"] < answer["multiscale_loss"]["mean"]
    page = (tmp_path / "judged" / "evaluation.html").read_text(encoding="utf-8")
    assert len(page) < 4e6 and f"Evaluation of {run.name}" in page and str(run.parent) not in page


def test_evaluate_writes_into_a_run_of_ones_own_and_prints_the_bounds(capsys, run, monkeypatch):
    from ddsp_course import evaluation_page

    entry = {"mean": 1.5, "ci95": None, "unit": "", "n": 1}
    report = {key: entry for key in evaluation_page.ALL_UNITS}
    report = {**report, "best": report, "worst": report, "place": {key: {"mean": 0.25, "ci95": None, "n": 1} for key in evaluation_page.ALL_UNITS}}
    monkeypatch.setattr(evaluation_page, "full_report", lambda *_, **__: report)        # the test above has made real ones
    monkeypatch.setattr(evaluation_page, "write_page", lambda path, *_, **__: path.write_text("page"))
    status, out, _ = call(capsys, "evaluate", run)
    assert status == 0 and {"evaluation.json", "evaluation.html"} <= {p.name for p in run.iterdir()}
    lines = out.splitlines()
    assert lines[0].split() == ["measure", "model", "best", "worst", "place", "unit"] and lines[1].split() == ["multiscale_loss", "1.5", "1.5", "1.5", "0.25"]


def test_any_rung_of_the_ladder(capsys, run, tmp_path):
    status, out, _ = call(capsys, "fit-prior", run, "--kind", "markov", "--json")
    assert status == 0 and json.loads(out)["kind"] == "markov"
    status, out, _ = call(capsys, "generate", run, tmp_path / "a.wav", "--profile", "scale", "--json")
    assert status == 0 and (tmp_path / "a.wav").is_file()
    status, _, err = call(capsys, "fit-prior", run, "--kind", "markov", "--components", 2)
    assert status == 1 and "--components" in err


def test_compare(capsys, tone_dataset, tmp_path):
    words = ["compare", tone_dataset.folder, "--out", tmp_path / "c", "--variants", "harmonic,full", "--seeds", 2, "--steps", 2]
    status, out, _ = call(capsys, *words, "--json")
    answer = json.loads(out)
    assert status == 0 and [(r["variant"], r["seed"]) for r in answer["runs"]] == [("harmonic", 0), ("full", 0), ("harmonic", 1), ("full", 1)]
    assert json.loads((tmp_path / "c" / "comparison.json").read_text()) == answer
    page = (tmp_path / "c" / "comparison.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 4 and page.count("<img") == 3 and "http" not in page and "281,341" in page      # recording, harmonic, full, full dry
    for seed in (0, 1):
        assert soundfile.info(tmp_path / "c" / f"room-full-seed{seed}.wav").frames == 16000
    before = (tmp_path / "c" / "full-seed1" / "model.safetensors").stat().st_mtime_ns
    status, out, _ = call(capsys, *words)
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith("variant") and lines[1].startswith("harmonic ") and " ± " in lines[2] and "comparison.html" in lines[-1]
    assert (tmp_path / "c" / "full-seed1" / "model.safetensors").stat().st_mtime_ns == before
    status, out, err = call(capsys, "compare", tone_dataset.folder, "--out", tmp_path / "c", "--variants", "harmonic,loud")
    assert status == 1 and not out and "loud" in err
    status, _, err = call(capsys, *words[:-1], 3)
    assert status == 1 and "steps was 2" in err


def test_train_sizes(capsys, tone_dataset, tmp_path):
    status, out, _ = call(capsys, "train", tone_dataset.folder, "--out", tmp_path / "r", "--steps", 1, "--size", "tiny", "--no-z", "--variant", "decay", "--json")
    assert status == 0 and json.loads(out)["parameters"] == 228_092


def test_prior_and_generation(capsys, run, tmp_path):
    (run / "prior.safetensors").unlink(missing_ok=True)
    status, _, err = call(capsys, "generate", run, tmp_path / "x.wav")
    assert status == 1 and "fit-prior" in err
    status, out, _ = call(capsys, "fit-prior", run, "--components", 2, "--json")
    assert status == 0 and json.loads(out)["components"] == 2
    status, out, _ = call(capsys, "generate", run, tmp_path / "sub" / "x.wav", "--count", 2, "--seed", 5, "--json")
    files = json.loads(out)["files"]
    assert status == 0 and [f["seed"] for f in files] == [5, 6]
    sounds = [soundfile.read(f["path"])[0] for f in files]
    assert all(abs(s).max() > 1e-4 for s in sounds) and (sounds[0] != sounds[1]).any()


def test_same_seed_same_sound(capsys, run, tmp_path):
    call(capsys, "fit-prior", run, "--components", 2)
    for name in ("a.wav", "b.wav"):
        assert call(capsys, "generate", run, tmp_path / name, "--seed", 3)[0] == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_generate_from_midi(capsys, run, tmp_path):
    import mido

    call(capsys, "fit-prior", run, "--components", 2)
    file, track = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack()
    for note in (60, 64):
        track += [mido.Message("note_on", note=note, velocity=80, time=0), mido.Message("note_off", note=note, velocity=0, time=480)]
    file.tracks.append(track)
    file.save(tmp_path / "tune.mid")
    assert call(capsys, "generate", run, tmp_path / "tune.wav", "--midi", tmp_path / "tune.mid")[0] == 0
    assert soundfile.info(tmp_path / "tune.wav").duration >= 1.0
    status, _, err = call(capsys, "generate", run, tmp_path / "x.wav", "--midi", tmp_path / "tune.mid", "--channel", 3)
    assert status == 1 and "no notes in channel 3" in err
    for options, word in ((["--channel", 2], "--midi"), (["--midi", tmp_path / "tune.mid", "--channel", 17], "1 to 16")):
        status, _, err = call(capsys, "generate", run, tmp_path / "x.wav", *options)
        assert status == 1 and word in err and not (tmp_path / "x.wav").exists()
    (tmp_path / "broken.mid").write_bytes(b"MThd not a midi file")
    status, _, err = call(capsys, "generate", run, tmp_path / "x.wav", "--midi", tmp_path / "broken.mid")
    assert status == 1 and "broken.mid" in err


def test_generate_like_a_recording(capsys, run, tone_folder, tmp_path):
    call(capsys, "fit-prior", run, "--components", 2)
    recording = tone_folder / "low" / "low_0.wav"
    status, out, _ = call(capsys, "generate", run, tmp_path / "x.flac", "--like", recording, "--count", 2, "--json")
    answer = json.loads(out)
    assert status == 0 and answer["profile"] == "low_0" and any("loudness shifted" in note for note in answer["notes"])
    assert [soundfile.info(f["path"]).duration for f in answer["files"]] == [pytest.approx(3.0, abs=0.02)] * 2
    soundfile.write(tmp_path / "silent.wav", [0.0] * 16000, 16000)
    for options, word in ((["--like", tmp_path / "silent.wav"], "silent.wav"), (["--like", tmp_path / "none.wav"], "none.wav")):
        status, _, err = call(capsys, "generate", run, tmp_path / "y.wav", *options)
        assert status == 1 and word in err
    status, _, err = call(capsys, "generate", run, tmp_path / "x.mp3")
    assert status == 1 and ".wav, .flac, .aiff" in err


def test_generate_says_when_the_loudness_is_limited(capsys, run, tmp_path):
    import mido

    call(capsys, "fit-prior", run, "--components", 2)
    file, track = mido.MidiFile(), mido.MidiTrack()
    track += [mido.Message("control_change", control=7, value=1), mido.Message("note_on", note=60, velocity=80), mido.Message("note_off", note=60, time=960)]
    file.tracks.append(track)
    file.save(tmp_path / "soft.mid")
    status, out, _ = call(capsys, "generate", run, tmp_path / "soft.wav", "--midi", tmp_path / "soft.mid", "--json")
    assert status == 0 and any("outside the training range" in note for note in json.loads(out)["notes"])
    status, out, _ = call(capsys, "generate", run, tmp_path / "soft.wav", "--midi", tmp_path / "soft.mid")
    assert status == 0 and "outside the training range" in out


def test_student_and_progress(capsys, tmp_path):
    status, out, _ = call(capsys, "student", "--out", tmp_path / "class", "--part", "t3", "--json")
    answer = json.loads(out)
    assert status == 0 and len(answer["files"]) >= 6 and all(Path(f["path"]).is_file() for f in answer["files"]) and answer["exercises"]
    assert call(capsys, "student", "--out", tmp_path / "class", "--part", "t3")[:2] == (0, f"{len(answer['files'])} files in {tmp_path / 'class'} ({len(answer['files'])} unchanged), {len(answer['exercises'])} exercises, no solutions\n")
    (tmp_path / "class" / "index.ipynb").write_text("mine")
    status, out, err = call(capsys, "student", "--out", tmp_path / "class", "--part", "t3")
    assert status == 1 and not out and "index.ipynb" in err and "--force" in err
    status, out, _ = call(capsys, "progress", *(tmp_path / "class").rglob("06_playable.ipynb"), tmp_path / "class" / "index.ipynb", tmp_path / "nobody.ipynb", "--json")
    answer = json.loads(out)
    assert status == 0 and answer["passed"] == 0 and answer["total"] == 3 and len(answer["notebooks"]) == 3
    assert [bool(r["problem"]) for r in answer["notebooks"]].count(True) == 2 and "no such file" in answer["notebooks"][-1]["problem"]


@pytest.mark.skipif(os.name != "posix", reason="the browser is a shell script")
def test_lab_opens_the_course_map(tmp_path):
    pytest.importorskip("jupyterlab")
    browser, page = tmp_path / "browser", tmp_path / "page"
    browser.write_text(f"#!/bin/sh\ncat \"${{1#file://}}\" > '{page}.part'; mv '{page}.part' '{page}'\n")
    browser.chmod(0o755)
    private = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    lab = subprocess.Popen([sys.executable, "-m", "ddsp_course.cli", "lab"], env={**os.environ, **private, "BROWSER": str(browser)},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not page.is_file() and lab.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "/lab/tree/index.ipynb" in page.read_text()
    finally:
        os.killpg(lab.pid, signal.SIGKILL)
        lab.wait()
