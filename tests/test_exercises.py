"""Every exercise in the notebooks: an open stub, a right solution, and typical mistakes with hints of their own."""
import ast
import importlib
import json
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from ddsp_course.checking import Check, answer

ROOT = Path(__file__).resolve().parents[1]
MODULES = [importlib.import_module(f"ddsp_course.{path.stem}") for path in sorted(ROOT.glob("ddsp_course/exercises_*.py"))]
CHECKS = {name: f for module in MODULES for name, f in vars(module).items() if name.startswith("check_") and f.__module__ == module.__name__}
QUIZZES = {name: quiz for module in MODULES for name, quiz in module.QUIZZES.items()}
MISTAKES = {name: wrong for path in sorted(ROOT.glob("tests/exercise_mistakes_*.py")) for name, wrong in importlib.import_module(path.stem).MISTAKES.items()}
IN_SIGHT = [importlib.import_module(f"ddsp_course.{name}") for name in
            "layers sampling windows stft mel pitch loudness harmonic noise reverb ear_fft ear_patterns peaq auditory pemoq".split()]
EXERCISE, SOLUTION, CHECK, QUIZ = r"# exercise: (\w+)", r"# solution: (\w+)", r"# check: (\w+)", r"quiz\(QUIZZES\['(\w+)'\]\)"


def cells_by_marker():
    "Notebook name -> dict marker -> dict exercise -> source."
    found = {}
    for path in sorted(ROOT.glob("nbs/t*/*.ipynb")):
        cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
        here = {}
        for cell in cells:
            source = "".join(cell["source"])
            for marker in (EXERCISE, SOLUTION, CHECK, QUIZ):
                if match := re.match(marker, source):
                    assert match[1] not in here.setdefault(marker, {}), f"{path.name} has {match[0]} twice"
                    here[marker][match[1]] = source
        if here:
            found[path.stem] = here
    return found


NOTEBOOKS = cells_by_marker()
EXERCISES = [(notebook, name) for notebook, markers in NOTEBOOKS.items() for name in markers.get(EXERCISE, {})]


def namespace():
    names = {n: getattr(module, n) for module in IN_SIGHT for n in module.__all__}
    return {"math": math, "torch": torch, "np": np, **names, **CHECKS}


def value_of_last_line(source, names):
    "Run a cell; the value of its last expression."
    *body, last = ast.parse(source).body
    exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


def check_of(notebook, name, code):
    "The check cell's verdict on `code` in place of the stub."
    names = namespace()
    torch.manual_seed(0)
    exec(code, names)
    result = value_of_last_line(NOTEBOOKS[notebook][CHECK][name], names)
    assert isinstance(result, Check)
    return result


# Notebooks that share the exercises of their neighbours: the six on PEAQ.
SHARED = "06_audio_pairs 06_ear_fft 06_ear_filterbank 06_ear_patterns 06_movs 06_peaq".split()


@pytest.mark.parametrize("path", [p for p in sorted(ROOT.glob("nbs/t*/*.ipynb")) if p.stem not in SHARED], ids=lambda p: p.stem)
def test_each_notebook_has_enough(path):
    exercises, questions = (4, 3) if path.parent.name.startswith("t1") else (3, 2)
    markers = NOTEBOOKS.get(path.stem, {})
    assert len(markers.get(EXERCISE, {})) >= exercises and len(markers.get(QUIZ, {})) >= questions


def test_notebooks_that_share_have_enough_together():
    peaq = [NOTEBOOKS[notebook] for notebook in ("06_ear_fft", "06_ear_patterns", "06_peaq")]
    assert sum(len(markers[EXERCISE]) for markers in peaq) >= 4 and sum(len(markers[QUIZ]) for markers in peaq) >= 3


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_each_exercise_is_complete(notebook):
    markers = NOTEBOOKS[notebook]
    assert set(markers[EXERCISE]) == set(markers[SOLUTION]) == set(markers[CHECK]) <= set(MISTAKES)
    assert set(markers.get(QUIZ, {})) <= set(QUIZZES)
    for source in markers[SOLUTION].values():
        assert re.search(r"\n### BEGIN SOLUTION\n(.+\n)+### END SOLUTION\nassert check_\w+\(\w+\)$", source)


def test_every_check_is_asked_somewhere():
    assert {f"check_{name}" for _, name in EXERCISES} == set(CHECKS)
    assert {q for markers in NOTEBOOKS.values() for q in markers.get(QUIZ, {})} == set(QUIZZES)


@pytest.mark.parametrize("notebook, name", EXERCISES)
def test_stub_is_not_passed(notebook, name):
    result = check_of(notebook, name, NOTEBOOKS[notebook][EXERCISE][name])
    assert not result and "..." in result.message and result.name == name


@pytest.mark.parametrize("notebook, name", EXERCISES)
def test_solution_passes(notebook, name):
    assert check_of(notebook, name, NOTEBOOKS[notebook][SOLUTION][name])


@pytest.mark.parametrize("notebook, name", EXERCISES)
def test_mistakes_get_their_own_hints(notebook, name):
    hints = []
    for code, word in MISTAKES[name]:
        result = check_of(notebook, name, code)
        assert not result and word in result.message, f"{code}\n{result}\nshould hold: {word}"
        assert len(result.message) > 30
        hints.append(result.message)
    assert len(hints) >= 2 and len(set(hints)) == len(hints)


@pytest.mark.parametrize("garbage", [None, ..., "text", {"a": 1}, [[1], [1, 2]], 10 ** 400, 1 + 2j, float("nan"), object(), [], torch.zeros(0),
                                     lambda *a: "text", lambda *a: None, lambda *a: 1 / 0, lambda *a: np.zeros((2, 3)), lambda *a: 1j])
@pytest.mark.parametrize("check", CHECKS)
def test_garbage_never_raises(check, garbage):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = CHECKS[check](garbage)
    assert isinstance(result, Check) and not result and len(result.message) > 20


@pytest.mark.parametrize("name", QUIZZES)
def test_quiz_has_one_key_and_explanations(name):
    quiz = QUIZZES[name]
    verdicts = [answer(quiz, i) for i in range(1, len(quiz.options) + 1)]
    assert sum(map(bool, verdicts)) == 1 and bool(verdicts[quiz.key - 1])
    assert len({v.message for v in verdicts}) == len(verdicts) and all(len(v.message) > 20 for v in verdicts)
    assert verdicts[quiz.key - 1].message.startswith("Yes") and not any(v.message.startswith("Yes") for v in verdicts if not v)


def test_keys_are_spread():
    assert len({q.key for q in QUIZZES.values()}) >= 3
