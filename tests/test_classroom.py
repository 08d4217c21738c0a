"""Notebooks for a class without solutions, and the progress of notebooks that come back in every state."""
import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from ddsp_course import classroom
from ddsp_course.classroom import check_notebooks, course_folder, notebooks_in, progress_table, read_notebook, role, write_student

WINDOWS = Path("t1_foundations") / "03_windows.ipynb"
RIGHT = "def my_hann(n):\n    return 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(n) / n)"


def code(source, *tags):
    return {"cell_type": "code", "execution_count": 1, "id": "x", "metadata": {"tags": list(tags)} if tags else {}, "outputs": [], "source": source}


def text(source):
    return {"cell_type": "markdown", "id": "x", "metadata": {}, "source": source}


def save(path, cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8")
    return path


def sources(path, kind):
    "Sources of the cells of a kind, by exercise, in order."
    return {role(cell)[1]: cell["source"] for cell in read_notebook(path)["cells"] if role(cell)[0] == kind}


# --- handing out -----------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    "The whole course as a class gets it: folder and answer."
    folder = tmp_path_factory.mktemp("class")
    return folder, write_student(folder)


def pairs(folder):
    return [(course_folder() / path.relative_to(folder), path) for path in notebooks_in(folder)]


def test_every_part_is_there(handed_out):
    folder, answer = handed_out
    names = {path.relative_to(folder).as_posix() for path in notebooks_in(folder)}
    assert names == {p.relative_to(course_folder()).as_posix() for p in notebooks_in(course_folder()) if p.parent.name != "support"}
    assert {f["status"] for f in answer["files"]} == {"written"} and all(Path(f["path"]).is_file() for f in answer["files"])
    assert len(answer["exercises"]) >= 38 and {"notebook": "t1_foundations/03_windows.ipynb", "exercise": "hann"} in answer["exercises"]


def test_no_line_of_a_solution_is_left(handed_out):
    "Each line of each solution is found as often as in the course's cells that are no solutions."
    checked = 0
    for original, path in pairs(handed_out[0]):
        assert "SOLUTION" not in path.read_text(encoding="utf-8")
        count = lambda cells: Counter(line.strip() for cell in cells for line in cell["source"].splitlines())
        before = count(c for c in read_notebook(original)["cells"] if "exercise-solution" not in c["metadata"].get("tags", []))
        after = count(read_notebook(path)["cells"])
        for solution in sources(original, "solution").values():
            for line in map(str.strip, solution.splitlines()):
                assert after[line] == before[line], f"{path.name}: {line}"
                checked += 1
    assert checked > 150


def test_stubs_and_checks_stay_in_place(handed_out):
    for original, path in pairs(handed_out[0]):
        for kind in ("exercise", "check"):
            assert list(sources(original, kind).items()) == list(sources(path, kind).items())
        assert not sources(path, "solution")


def test_written_notebooks_are_valid_and_empty(handed_out):
    nbformat = pytest.importorskip("nbformat")
    for original, path in pairs(handed_out[0]):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells) and "widgets" not in notebook.metadata
        assert all(cell.outputs == [] and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
        assert path.stat().st_size < original.stat().st_size


def test_badge_goes_install_cell_stays(handed_out):
    for _, path in pairs(handed_out[0]):
        page = "".join(cell["source"] for cell in read_notebook(path)["cells"])
        assert "Open in Colab" not in page and "%pip install" in page and "hidden cell" not in page


def local_links(path):
    "Targets of links and pictures in the text of a notebook that are files."
    page = "\n".join(cell["source"] for cell in read_notebook(path)["cells"] if cell["cell_type"] == "markdown")
    found = re.findall(r"\]\(([^)\s]+)", page) + re.findall(r"(?:href|src)=\"([^\"]+)\"", page)
    return [link.split("#")[0] for link in found if not re.match(r"[a-z]+:|#", link) and "." in Path(link).name]


@pytest.mark.parametrize("part", [None, "t1", "t2", "t3"])
def test_no_link_is_broken(tmp_path, part):
    write_student(tmp_path, part=part)
    links = [(path, link) for path in notebooks_in(tmp_path) for link in local_links(path)]
    assert len(links) >= 4
    assert not [(path.name, link) for path, link in links if not (path.parent / link).is_file()]
    assert {p.parent.name[:2] for p in notebooks_in(tmp_path) if p.parent != tmp_path} == ({part} if part else {"t1", "t2", "t3"})


@pytest.fixture
def small_course(tmp_path):
    "A course with every kind of link."
    course = tmp_path / "course"
    (course / "media").mkdir(parents=True)
    for name in ("picture.png", "sound.mp3", "code.mp3", "unused.png"):
        (course / "media" / name).write_bytes(name.encode())
    (course / "notes.md").write_text("notes")
    save(course / "glossary.ipynb", [text("# Words")])
    save(course / "support" / "checking.ipynb", [text("answers")])
    save(course / "t1_a" / "one.ipynb", [
        text("[a `b` [c]](../glossary.ipynb#words) [two](../t2_b/two.ipynb \"title\") [how](../support/checking.ipynb) ![p](../media/picture.png) "
             "`x[0](y.z)` [web](https://example.org/a.ipynb) [here](#top) <a class=\"k\" href=\"../support/checking.ipynb\">html</a> "
             "<audio src=\"../media/sound.mp3\"></audio> [out](../../README.md) [notes](../notes.md)\n```\n[kept](../support/checking.ipynb)\n```"),
        code("play('../media/code.mp3')"),
        code("def f(x):\n    ### BEGIN SOLUTION\n    return secret(x)\n    ### END SOLUTION\nf(1)")])
    save(course / "t2_b" / "two.ipynb", [text("[one](../t1_a/one.ipynb)")])
    return course


def test_links_and_media(small_course, tmp_path):
    write_student(tmp_path / "all", course=small_course)
    first = read_notebook(tmp_path / "all" / "t1_a" / "one.ipynb")["cells"][0]["source"]
    assert first == ("[a `b` [c]](../glossary.ipynb#words) [two](../t2_b/two.ipynb \"title\") how ![p](../media/picture.png) "
                     "`x[0](y.z)` [web](https://example.org/a.ipynb) [here](#top) html <audio src=\"../media/sound.mp3\"></audio> out [notes](../notes.md)\n"
                     "```\n[kept](../support/checking.ipynb)\n```")
    written = sorted(p.relative_to(tmp_path / "all").as_posix() for p in (tmp_path / "all").rglob("*") if p.is_file())
    assert written == ["glossary.ipynb", "media/code.mp3", "media/picture.png", "media/sound.mp3", "notes.md", "t1_a/one.ipynb", "t2_b/two.ipynb"]
    write_student(tmp_path / "part", part="t1", course=small_course)
    assert " two how " in read_notebook(tmp_path / "part" / "t1_a" / "one.ipynb")["cells"][0]["source"]


def test_solution_inside_another_cell_becomes_dots(small_course, tmp_path):
    write_student(tmp_path / "all", course=small_course)
    assert read_notebook(tmp_path / "all" / "t1_a" / "one.ipynb")["cells"][2]["source"] == "def f(x):\n    ...\nf(1)"


def test_students_work_is_kept(small_course, tmp_path):
    out = tmp_path / "out"
    write_student(out, course=small_course)
    assert {f["status"] for f in write_student(out, course=small_course)["files"]} == {"unchanged"}
    mine = out / "t1_a" / "one.ipynb"
    mine.write_text("my work")
    (out / "glossary.ipynb").unlink()
    with pytest.raises(FileExistsError, match="one.ipynb.*--force"):
        write_student(out, course=small_course)
    assert mine.read_text() == "my work" and not (out / "glossary.ipynb").exists(), "nothing is written"
    status = {Path(f["path"]).name: f["status"] for f in write_student(out, force=True, course=small_course)["files"]}
    assert status["one.ipynb"] == "replaced" and status["glossary.ipynb"] == "written" and status["two.ipynb"] == "unchanged"
    assert not list(out.rglob("*.tmp"))


def test_output_inside_the_course_is_refused(small_course):
    for out in (small_course, small_course / "t1_a" / "new"):
        with pytest.raises(ValueError, match="outside of the course"):
            write_student(out, force=True, course=small_course)
    assert not (small_course / "t1_a" / "new").exists()


def test_unknown_part_and_missing_course(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="part must be one of t1, t2, t3"):
        write_student(tmp_path / "out", part="t9")
    monkeypatch.setattr(classroom.ddsp_course, "__file__", str(tmp_path / "site-packages" / "ddsp_course" / "__init__.py"))
    with pytest.raises(FileNotFoundError, match="in a clone of the repository"):
        write_student(tmp_path / "out")


def test_handed_out_notebook_runs_to_the_end(handed_out):
    "Open stubs give hints, not errors; nbclient would raise at the first error."
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(handed_out[0] / WINDOWS, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str((handed_out[0] / WINDOWS).parent)}}).execute()
    shown = [output["data"]["text/plain"] for cell in notebook.cells if "exercise-check" in cell.metadata.get("tags", []) for output in cell.outputs]
    assert len(shown) == 4 and all("not yet" in line and "..." in line for line in shown)


# --- progress --------------------------------------------------------------------------------------------------------------------

IMPORTS = "import math, os, time, torch\nfrom ddsp_course.windows import hann\nfrom ddsp_course.exercises_signals import check_hann, check_window_length"
LENGTH = "def window_length(distance_hz, sr):\n    return math.ceil(4 * sr / distance_hz)"
CHECKS = ("# check: hann\ncheck_hann(my_hann)", "# check: window_length\ncheck_window_length(window_length)")


def exercise(name, answer, check):
    return [code(f"# exercise: {name}\n{answer}", "exercise-stub"), code(check, "exercise-check")]


def homework(answer=RIGHT, second=LENGTH, checks=CHECKS, between=""):
    "A notebook with two answers and a cell between them."
    return [code(IMPORTS), *exercise("hann", answer, checks[0]), code(between), *exercise("window_length", second, checks[1])]


def without_tags(cells):
    return [{**cell, "metadata": {"tags": 7, "id": "colab"}} for cell in cells]


def solved_by_us(cells):
    "Open stubs, with our solutions below them."
    return [*cells[:3], code("# solution: hann\n" + RIGHT, "exercise-solution"), *cells[3:], code(LENGTH, "exercise-solution"), cells[-1]]


STUBS = ("def my_hann(n):\n    return ...", "def window_length(distance_hz, sr):\n    return ...")
STATES = {      # file -> cells or bytes, verdicts, words that the hints must hold
    "right": (homework(), ["passed", "passed"], ["", ""]),
    "open": (homework(*STUBS), ["not yet", "not yet"], ["...", "..."]),
    "wrong": (homework("my_hann = hann(64)"), ["not yet", "passed"], ["Hand in the function", ""]),
    "raises in the check": (homework("def my_hann(n): return 1 / 0"), ["not yet", "passed"], ["ZeroDivisionError", ""]),
    "syntax error": (homework("def my_hann(n: return 1"), ["error", "passed"], ["SyntaxError", ""]),
    "raises in the answer": (homework("my_hann = no_such_name"), ["error", "passed"], ["NameError: name 'no_such_name'", ""]),
    "raises between": (homework(between="raise SystemExit(4)"), ["passed", "passed"], ["", ""]),
    "exit": (homework(between="exit()"), ["passed", "passed"], ["", ""]),
    "asks": (homework(between="input('name? ')"), ["passed", "passed"], ["", ""]),
    "surrogate": (homework("raise ValueError('\\ud800')"), ["error", "passed"], ["ValueError", ""]),
    "ends": (homework(between="os._exit(3)"), ["passed", "not reached"], ["", "exit status 3"]),
    "crashes": (homework(second="import ctypes\nctypes.string_at(0)"), ["passed", "error"], ["", "process ended"]),
    "hangs": (homework("def my_hann(n):\n    while True: n = n + 1"), ["not yet", "passed"], ["TimeoutError", ""]),
    "check deleted": (homework()[:-1], ["passed", "missing"], ["", "no check cell"]),
    "check edited": (homework(*STUBS, checks=("# check: hann\nprint('passed')", "# check: window_length\n'passed. Right.'")), ["not yet", "not yet"], ["...", "..."]),
    "semicolon": (homework(checks=[check + ";" for check in CHECKS]), ["passed", "passed"], ["", ""]),
    "solutions inside": (solved_by_us(homework(*STUBS)), ["not yet", "not yet"], ["...", "..."]),
    "tags lost": (without_tags(homework()), ["passed", "passed"], ["", ""]),
    "first lines lost": (homework(checks=[check.split("\n")[1] for check in CHECKS]), ["passed", "passed"], ["", ""]),
    "inline magic": (homework(between="%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"), ["passed", "passed"], ["", ""]),
    "awaits": (homework(between="import asyncio\nawait asyncio.sleep(0)"), ["passed", "passed"], ["", ""]),
    "cut off": (b'{"cells": [{"cell_type', [], []),
    "bytes": (bytes(range(256)), [], []),
    "a list": (b"[1, 2]", [], []),
    "version 3": (b'{"worksheets": [], "nbformat": 3}', [], []),
}


@pytest.fixture(scope="module")
def mini_course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mini") / "course"
    save(folder / "index.ipynb", [text("map")])
    save(folder / "t1_x" / "03_windows.ipynb", homework(*STUBS))
    return folder


@pytest.fixture(scope="module")
def answers(tmp_path_factory, mini_course):
    "Every state of a notebook in one call: results by name, and in order."
    folder = tmp_path_factory.mktemp("homework")
    paths = []
    for name, (cells, *_) in STATES.items():
        path = folder / f"Copy of 03_windows ({name}).ipynb"
        path.write_bytes(cells) if isinstance(cells, bytes) else save(path, cells)
        paths.append(path)
    (folder / "empty").mkdir()
    paths += [folder / "03_windows (nobody).ipynb", folder / "empty"]
    results = check_notebooks(paths, timeout=60, course=mini_course)
    assert [r["notebook"] for r in results] == [str(p) for p in paths], "the order given"
    return dict(zip([*STATES, "nobody", "empty"], results))


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_verdict(answers, state):
    result, (cells, verdicts, words) = answers[state], STATES[state]
    assert [v["verdict"] for v in result["exercises"]] == verdicts, result
    assert all(word in v["hint"] and v["hint"] for word, v in zip(words, result["exercises"], strict=True)), result
    assert result["total"] == 2 and result["passed"] == verdicts.count("passed")
    assert bool(result["problem"]) == isinstance(cells, bytes)


def test_missing_file_and_empty_folder_are_rows(answers):
    assert "no such file" in answers["nobody"]["problem"] and answers["nobody"]["total"] == 2
    assert "no notebook in this folder" in answers["empty"]["problem"] and answers["empty"]["total"] == 0


def test_answer_is_printable_and_json(answers):
    table = progress_table(list(answers.values()))
    table.encode("utf-8")
    json.dumps(list(answers.values()))
    for name, result in answers.items():
        assert sum(line.startswith(result["notebook"]) for line in table.splitlines()) == max(1, len(result["exercises"])) + 1, name
    passed = sum(r["passed"] for r in answers.values())
    assert f"{len(answers)} notebooks (0 without exercises), {passed} of {2 * (len(answers) - 1)} exercises passed" in table


def gone(pid):
    "True when a process is no more, or only an entry that waits for its parent."
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert condition()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="process table in /proc")
def test_time_limit_ends_everything_the_notebook_started(tmp_path, mini_course):
    "The loop catches the interruption of its cell; the process it has started would live for an hour."
    loop = ("import subprocess\nfrom pathlib import Path\nPath('pid').write_text(str(subprocess.Popen(['sleep', '3600']).pid))\n"
            "while True:\n    try: time.sleep(1)\n    except Exception: pass")
    path = save(tmp_path / "03_windows.ipynb", homework(between=loop))
    [result] = check_notebooks([path], timeout=20, course=mini_course)
    assert [v["verdict"] for v in result["exercises"]] == ["passed", "not reached"]
    assert "stopped after 20 s in the cell that starts with 'import subprocess'" in result["exercises"][1]["hint"]
    wait_for(lambda: gone(int((tmp_path / "pid").read_text())))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="process table in /proc")
def test_interrupt_ends_the_notebooks(tmp_path):
    path = save(tmp_path / "hang.ipynb", homework(between="from pathlib import Path\nPath('pid').write_text(str(os.getpid()))\ntime.sleep(3600)"))
    command = subprocess.Popen([sys.executable, "-m", "ddsp_course.cli", "progress", str(path), "--timeout", "9999"], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text())
    command.send_signal(signal.SIGINT)
    assert command.wait(60) == 130
    wait_for(lambda: gone(int((tmp_path / "pid").read_text())))


def test_without_a_clone_the_notebooks_own_checks_count(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom.ddsp_course, "__file__", str(tmp_path / "site-packages" / "ddsp_course" / "__init__.py"))
    path = save(tmp_path / "anything.ipynb", [*homework(), code("# exercise: lost\nx = 1")])
    [result] = check_notebooks([path])
    assert [(v["exercise"], v["verdict"]) for v in result["exercises"]] == [("hann", "passed"), ("window_length", "passed"), ("lost", "missing")]


def test_folder_gives_its_notebooks(tmp_path, mini_course):
    save(tmp_path / "b" / "03_windows.ipynb", homework(*STUBS))
    save(tmp_path / "a" / "plain.ipynb", [code("1 / 0")])
    save(tmp_path / "b" / ".ipynb_checkpoints" / "03_windows-checkpoint.ipynb", homework())
    results = check_notebooks([tmp_path], course=mini_course)
    assert [(Path(r["notebook"]).name, r["total"]) for r in results] == [("plain.ipynb", 0), ("03_windows.ipynb", 2)]
    assert "plain.ipynb" not in progress_table(results) and "2 notebooks (1 without exercises), 0 of 2" in progress_table(results)


def test_solutions_of_a_real_notebook_pass(tmp_path, handed_out):
    "The handed-out notebook with our solutions in its stubs; checks and expected exercises come from the course."
    notebook, solutions = read_notebook(handed_out[0] / WINDOWS), sources(course_folder() / WINDOWS, "solution")
    for cell in notebook["cells"]:
        if role(cell)[0] == "exercise":
            cell["source"] += "\n" + "\n".join(solutions[role(cell)[1]].splitlines()[2:-2])
    (tmp_path / WINDOWS.name).write_text(json.dumps(notebook), encoding="utf-8")
    [result] = check_notebooks([tmp_path / WINDOWS.name])
    assert [v["exercise"] for v in result["exercises"]] == list(solutions) and result["passed"] == result["total"] == 4, result


def test_damaged_cells_are_named(tmp_path):
    good = {"cells": [code("1")], "metadata": {}, "nbformat": 4}
    for damage in ({"source": None}, {"source": [1]}, {"metadata": []}, {"cell_type": "sound"}):
        bad = copy.deepcopy(good)
        bad["cells"][0].update(damage)
        (tmp_path / "x.ipynb").write_text(json.dumps(bad))
        with pytest.raises(ValueError, match="x.ipynb is not a notebook"):
            read_notebook(tmp_path / "x.ipynb")


def test_child_leaves_no_files(tmp_path, mini_course, monkeypatch):
    "Nothing is written beside a student's notebook, and no history to the home folder."
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    save(tmp_path / "work" / "03_windows.ipynb", homework())
    before = os.listdir(tmp_path / "work")
    assert check_notebooks([tmp_path / "work"], course=mini_course)[0]["passed"] == 2
    assert os.listdir(tmp_path / "work") == before and not list((tmp_path / "home").glob(".ipython*"))
