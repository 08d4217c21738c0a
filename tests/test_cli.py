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
    for command in ("demo", "prepare", "train", "evaluate", "fit-prior", "generate", "data", "student", "progress", "lab"):
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
                                   ["train", "d", "--out", "r", "--steps", "5", "--minutes", "1"], ["fit-prior", "r", "--components", "many"],
                                   ["prepare", "x", "--out", "d", "--f0", "guess"], ["student"], ["student", "--out", "d", "--part", "t9"], ["progress"],
                                   ["progress", "x", "--timeout", "0"], ["progress", "x", "--workers", "0"]])
def test_wrong_calls_exit_with_2(capsys, words):
    status, out, err = call(capsys, *words)
    assert status == 2 and not out and "usage" in err


@pytest.mark.parametrize("words, reason", [
    (["prepare", "nowhere", "--out", "d"], "nowhere"), (["train", "nowhere", "--out", "r"], "nowhere"), (["evaluate", "nowhere"], "nowhere"),
    (["fit-prior", "nowhere"], "nowhere"), (["generate", "nowhere", "x.wav"], "nowhere"), (["data", "fetch", "nothing"], "nothing"), (["student", "--out", Path(cli.__file__)], "cli.py"),
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


def test_evaluate(capsys, run):
    status, out, _ = call(capsys, "evaluate", run, "--json")
    answer = json.loads(out)
    assert status == 0 and (run / "evaluation.json").is_file()
    for name in ("multiscale_loss", "log_spectral_distance_db", "loudness_l1_db", "f0_l1_midi", "f0_outliers", "raw_pitch_accuracy", "peaq_odg", "pemoq_psmt"):
        assert {"mean", "ci95", "unit"} <= set(answer[name])
    status, out, _ = call(capsys, "evaluate", run)
    assert status == 0 and "multiscale_loss" in out


def test_any_rung_of_the_ladder(capsys, run, tmp_path):
    status, out, _ = call(capsys, "fit-prior", run, "--kind", "markov", "--json")
    assert status == 0 and json.loads(out)["kind"] == "markov"
    status, out, _ = call(capsys, "generate", run, tmp_path / "a.wav", "--profile", "scale", "--json")
    assert status == 0 and (tmp_path / "a.wav").is_file()
    status, _, err = call(capsys, "fit-prior", run, "--kind", "markov", "--components", 2)
    assert status == 1 and "--components" in err


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
    (tmp_path / "broken.mid").write_bytes(b"MThd not a midi file")
    status, _, err = call(capsys, "generate", run, tmp_path / "x.wav", "--midi", tmp_path / "broken.mid")
    assert status == 1 and "broken.mid" in err


def test_student_and_progress(capsys, tmp_path):
    status, out, _ = call(capsys, "student", "--out", tmp_path / "class", "--part", "t3", "--json")
    answer = json.loads(out)
    assert status == 0 and len(answer["files"]) >= 6 and all(Path(f["path"]).is_file() for f in answer["files"]) and len(answer["exercises"]) >= 9
    assert call(capsys, "student", "--out", tmp_path / "class", "--part", "t3")[:2] == (0, f"{len(answer['files'])} files in {tmp_path / 'class'} ({len(answer['files'])} unchanged), {len(answer['exercises'])} exercises, no solutions\n")
    (tmp_path / "class" / "index.ipynb").write_text("mine")
    status, out, err = call(capsys, "student", "--out", tmp_path / "class", "--part", "t3")
    assert status == 1 and not out and "index.ipynb" in err and "--force" in err
    status, out, _ = call(capsys, "progress", tmp_path / "class" / "index.ipynb", tmp_path / "class" / "glossary.ipynb", tmp_path / "nobody.ipynb", "--json")
    answer = json.loads(out)
    assert status == 0 and answer["passed"] == answer["total"] == 0 and len(answer["notebooks"]) == 3
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
