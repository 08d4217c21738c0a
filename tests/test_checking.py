"""The shared answer check: one fingerprint at a time, bad answers, changed inputs, quizzes, and HTML."""
import math
import types
import warnings

import numpy as np
import pytest
import torch

from ddsp_course import checking
from ddsp_course.checking import Check, Quiz, answer, compare, compare_function, quiz, receive, run

RNG = np.random.default_rng(0)
E = RNG.uniform(0.1, 1.0, 50)
TWO_D = RNG.uniform(0.1, 1.0, (6, 6))

FINGERPRINTS = {
    "double": (2 * E, "factor of 2:"), "half": (E / 2, "small by a factor of 2:"),
    "length": (50 * E, "factor of 50: the length"), "half the length": (25 * E, "half of the length"),
    "root of the length": (E / math.sqrt(50), "square root of the length"), "root of twice": (10 * E, "square root of twice"),
    "power dB": (E * 10 / math.log(10), "decibels of a power"), "amplitude dB": (E * math.log(10) / 20, "decibels of an amplitude"),
    "ln": (E * math.log(10), "ln against log10"), "log2": (E * math.log(2), "ln against log2"),
    "degrees": (np.degrees(E), "degrees"), "turns": (E / (2 * math.pi), "2 pi"), "rms": (E / math.sqrt(2), "RMS"),
    "milliseconds": (1000 * E, "milliseconds"), "percent": (100 * E, "per cent"), "scale": (3.7 * E, "multiplied by 3.7"),
    "sign": (-E, "sign"), "constant": (E + 0.37, "by 0.37"),
    "late": (np.roll(E, 3), "late by 3"), "early": (np.roll(E, -2), "early by 2"), "reversed": (E[::-1], "reversed"),
    "halves": (np.roll(E, 25), "halves"), "squares": (E ** 2, "squares"), "roots": (np.sqrt(E), "square roots"),
    "decibels": (20 * np.log10(E), "decibels"), "one more": (np.append(E, 1), "one more"), "one fewer": (E[:-1], "one fewer"),
    "start": (np.where(np.arange(50) < 5, 0, E), "first 5"), "end": (np.where(np.arange(50) > 45, 0, E), "last 4"),
    "ends": (np.where(np.abs(np.arange(50) - 25) > 20, 0, E), "both ends"), "column": (E[:, None], "axis of length 1"),
    "length 7": (E[:7], "[7]"), "nan": (np.where(E > 0.5, np.nan, E), "NaN"), "inf": (E / 0.0 if False else np.append(E[:-1], np.inf), "1 of 50"),
    "complex": (E * 1j, "Complex"), "noise": (RNG.permutation(E), "first at index"),
}


@pytest.mark.parametrize("case", FINGERPRINTS)
def test_fingerprint(case):
    wrong, word = FINGERPRINTS[case]
    result = compare("x", wrong, E)
    assert not result and word in result.message, result


def test_shifts_need_most_of_the_signal():
    late = np.concatenate([np.zeros(4), E[:-4]])
    assert "late by 4" in compare("x", late, E).message


def test_axes():
    assert "swapped" in compare("x", TWO_D.T, TWO_D).message
    assert "swapped" in compare("x", np.ones((2, 5)), np.ones((5, 2))).message
    assert "one more" in compare("x", np.ones((4, 8)), np.ones((4, 7))).message


@pytest.mark.parametrize("offset, word", [(3.0103, "power"), (6.0206, "amplitude"), (4.7712, "uniform"), (1.7609, "1.5"), (2.5068, "mean of decibels")])
def test_level_offsets(offset, word):
    for sign, direction in ((1, "high"), (-1, "low")):
        for level in (-20.0, np.array([-20.0, -33.0, -5.0])):
            message = compare("x", level + sign * offset, level, unit="dB").message
            assert f"{offset:.2f} dB too {direction}" in message and word in message


@pytest.mark.parametrize("value, word", [(200.0, "factor of 2"), (-100.0, "sign"), (102.0, "close"), (5000.0, "factor of ten"), (130.0, "too high"), (71.0, "too low")])
def test_numbers(value, word):
    assert word in compare("x", value, 100.0, unit="Hz").message


def test_hint_does_not_tell_the_answer():
    for value in (130.0, 71.0, 5000.0, 102.0, None, "x"):
        assert "123.4" not in compare("x", value, 123.4).message


def test_right_answers_in_many_forms():
    for form in (E, torch.tensor(E), E.tolist(), tuple(E), torch.tensor(E).requires_grad_(), [torch.tensor(v) for v in E], E.astype(np.float32), torch.tensor(E).float()):
        assert compare("x", form, E)
    assert compare("x", [torch.tensor(1.0, requires_grad=True), 2], [1, 2])
    assert compare("x", torch.tensor(1.5, dtype=torch.bfloat16), 1.5) and compare("x", np.int16(3), 3) and compare("x", [3.0], 3)
    z = torch.exp(1j * torch.tensor(E))
    assert compare("x", z.conj().conj(), z) and compare("x", z.conj(), np.exp(-1j * E))
    assert compare("x", True, True) and not compare("x", True, False) and "True or False" in compare("x", 1.0, True).message
    assert "not True or False" in compare("x", True, 1.0).message


def test_candidates_come_first_and_may_fail():
    def broken():
        raise RuntimeError
    hint = compare("x", 2 * E, E, candidates=[(broken, "never"), (np.ones(3), "no"), (lambda: 2 * E, "named")]).message
    assert hint == "named"
    assert compare("x", np.append(E, 0), E, candidates=[(np.append(E, 0), "longer")]).message == "longer"
    assert compare("x", E, E, candidates=[(E, "never")])


def loop():
    x = []
    x.append(x)
    return x


class Hostile:
    "Raises whatever is asked of it."
    def __array__(self, *args, **kwargs): raise RuntimeError("no")
    def __str__(self): raise RuntimeError("no")
    def __len__(self): raise RuntimeError("no")


GARBAGE = [None, ..., NotImplemented, "text", b"bytes", {}, {1}, object(), Hostile(), [[1], [1, 2]], ["a"], [None], [..., 1], [1, None], loop(), 10 ** 400, -10 ** 400, 1e308,
           -1e308, 1j, np.complex64(1j), [], torch.zeros(0), np.zeros((0, 3)), np.zeros((2, 2, 2)), float("nan"), float("inf"), math.sin, Hostile, torch.nn.Linear(2, 2),
           np.array(["a"]), np.array([object()]), np.datetime64("2020-01-01"), torch.zeros(3).bool(), (i for i in range(3)), range(4), torch.zeros(2, 2).to_sparse(), types]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("expected", [1.0, E, TWO_D, 1 + 2j, True, 0.0, np.zeros(5)], ids=["number", "1-d", "2-d", "complex", "bool", "zero", "zeros"])
def test_garbage_gets_a_hint(garbage, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare("x", garbage, expected, candidates=[(7.0, "seven")], unit="dB")
    assert isinstance(result, Check) and not result and len(result.message) > 15


def test_nothing_yet():
    for nothing in (None, ..., NotImplemented, [...], (..., ...)):
        assert "..." in compare("x", nothing, 1.0).message
        assert "..." in run(nothing if not isinstance(nothing, (list, tuple)) else None).message
    assert "parentheses" in compare("x", math.sin, 1.0).message and "without parentheses" in run(3.0).message


def test_bad_expected_is_the_authors_error():
    for bad in (float("nan"), None, "x"):
        with pytest.raises(ValueError, match="expected"):
            compare("x", 1.0, bad)


def test_receive():
    assert receive("x", [1, 2], (2,)).tolist() == [1.0, 2.0]
    assert isinstance(receive("x", [1, 2], (3,)), Check) and receive("x", [True]).dtype == bool


def test_run_returns_the_result():
    assert run(lambda a, b: a + b, 2, 3) == 5


def test_run_reports_error_and_line():
    source = "def f(x):\n    y = x + 1\n    return y / 0\n"
    names = {}
    exec(compile(source, "<student>", "exec"), names)
    message = run(names["f"], 1).message
    assert "ZeroDivisionError" in message and "line 3" in message and "Traceback" not in message
    assert "TypeError" in run(lambda: 1, 2).message and "SystemExit" in run(lambda: exit_now()).message


def exit_now():
    raise SystemExit(3)


def test_run_survives_hostile_errors():
    class Bad(Exception):
        def __str__(self): raise RuntimeError
    def f(): raise Bad
    assert "Bad" in run(f).message

    def deep(): return deep()
    assert "RecursionError" in run(deep).message

    def long(): raise ValueError("x" * 10_000)
    assert len(run(long).message) < 600


@pytest.mark.parametrize("x", [torch.ones(4), np.ones(4), [1.0, 2.0]], ids=["tensor", "array", "list"])
def test_mutation_is_found(x):
    def change(x):
        x[0] = 5.0
        return x
    assert "argument 2 in place" in run(lambda a, b: change(b), 1, x).message
    result = compare_function("f", change, lambda x: x, [(torch.ones(3),)])
    assert not result and "in place" in result.message and result.name == "f"


def test_shrinking_is_mutation():
    assert "in place" in run(lambda x: x.resize_(2), torch.ones(4)).message
    assert "in place" in run(lambda x: x.pop(), [1, 2]).message


def test_compare_function_keeps_its_inputs_and_names_them():
    inputs = [(np.ones(3), 2)]
    compare_function("f", lambda x, k: x.fill(0), lambda x, k: x * k, inputs)
    assert inputs[0][0].tolist() == [1, 1, 1]
    assert "Called with ([array of shape [3]], 2): " in compare_function("f", lambda x, k: x * 4, lambda x, k: x * k, inputs).message


def test_candidate_must_fit_all_inputs():
    inputs = [(2.0,), (3.0,)]
    candidates = [(lambda x: x * x, "squared"), (lambda x: 2 * x, "doubled")]
    assert compare_function("f", lambda x: 2 * x, lambda x: x, inputs, candidates).message == "doubled"
    assert compare_function("f", lambda x: x * x, lambda x: x, inputs, candidates).message == "squared"
    assert "Called with" in compare_function("f", lambda x: 5.0, lambda x: x, inputs, candidates).message


def test_check_is_shown_safely():
    bad = Check(False, "<script>alert('x')</script> & 3 < 4", "<b>")
    page = bad._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "&lt;b&gt;" in page and "not yet" in page
    assert "passed" in Check(True, "m")._repr_html_() and repr(Check(True, "m", "n")) == "n: passed. m"
    assert Check(True, "") and not Check(False, "")
    with pytest.raises(AttributeError):
        bad.passed = True

    def f(): raise ValueError("<img src=x onerror=alert(1)>")
    assert "<img" not in run(f)._repr_html_()


OPTIONS = (("one", "first reason"), ("two", "second reason"), ("three", "third reason"))


@pytest.mark.parametrize("question, options, key", [
    ("", OPTIONS, 1), ("q", OPTIONS, 0), ("q", OPTIONS, 4), ("q", OPTIONS, None), ("q", OPTIONS, True), ("q", OPTIONS, (1, 2)), ("q", OPTIONS, "1"),
    ("q", OPTIONS[:1], 1), ("q", OPTIONS * 2, 1), ("q", [("a", "x"), ("a", "y")], 1), ("q", [("a", "x"), ("b", "")], 1), ("q", [("a", "x"), ("b",)], 1),
    ("q", [("a", "x"), ("b", None)], 1)])
def test_bad_quiz_is_refused(question, options, key):
    with pytest.raises(ValueError):
        Quiz(question, options, key)


def test_answer():
    q = Quiz("q?", OPTIONS, 2)
    assert answer(q, 2) and answer(q, np.int64(2)) and not answer(q, 1) and answer(q, 3).message == "third reason"
    for wrong in (0, 4, None, "2", 2.0, True, [2]):
        assert "1 to 3" in answer(q, wrong).message


def test_quiz_as_text():
    shown = quiz(Quiz("What?", OPTIONS, 2))
    assert repr(shown) == "What?\n  1. one\n  2. two\n  3. three" and "second reason" not in shown


def test_quiz_with_buttons(monkeypatch):
    widgets = pytest.importorskip("ipywidgets")
    monkeypatch.setattr(checking, "has_front_end", lambda: True)
    box = quiz(Quiz("<What>?", OPTIONS, 2))
    question, choice, button, verdict = box.children
    assert isinstance(choice, widgets.RadioButtons) and choice.value is None and "&lt;What&gt;" in question.value
    button.click()
    assert "1 to 3" in verdict.value
    for number, word in ((1, "not yet"), (2, "passed")):
        choice.value = number
        button.click()
        assert word in verdict.value and OPTIONS[number - 1][1] in verdict.value


def test_front_end_is_one_where_somebody_can_type(monkeypatch):
    IPython = pytest.importorskip("IPython")
    pytest.importorskip("ipywidgets")
    assert not checking.has_front_end()
    for allowed in (True, False):
        shell = types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=allowed))
        monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
        assert checking.has_front_end() is allowed
