"""Explorers: which controls, what they call, and the picture where nobody can move them."""
import pytest

from ddsp_course import explorer
from ddsp_course.explorer import explore

CONTROLS = {"f (Hz)": (20.0, 100.0, 50.0, 10.0), "bits": (1, 16, 8), "window": ["hann", "hamming"], "on": False}


def test_without_a_front_end_it_draws_once_and_says_what_to_move():
    calls = []
    shown = explore(lambda *values: calls.append(values), CONTROLS, "move <f>.")
    assert calls == [(50.0, 8, "hann", False)]
    assert all(label in shown.data for label in CONTROLS) and "move &lt;f&gt;." in shown.data


def test_controls_call_with_the_new_value(monkeypatch):
    widgets = pytest.importorskip("ipywidgets")
    monkeypatch.setattr(explorer, "has_front_end", lambda: True)
    calls = []
    box = explore(lambda *values: calls.append(values), CONTROLS, "move f.")
    f, bits, window, on = box.children[1:5]
    assert [type(w) for w in (f, bits, window, on)] == [widgets.FloatSlider, widgets.IntSlider, widgets.Dropdown, widgets.Checkbox]
    assert f.step == 10 and not f.continuous_update
    f.value, bits.value, window.value, on.value = 60.0, 4, "hamming", True
    assert calls[0] == (50.0, 8, "hann", False) and calls[-1] == (60.0, 4, "hamming", True) and len(calls) == 5


@pytest.mark.parametrize("spec", [(1, 2), (5, 9, 3), (1, 9, 3, 0), (3, 3, 3), ("a", "b", "c"), [], "hann", None, 3])
def test_bad_control_is_named(spec):
    with pytest.raises(ValueError, match="'depth'"):
        explore(print, {"depth": spec}, "")


@pytest.mark.parametrize("controls", [{}, [("f", (1, 2, 1))], None])
def test_controls_must_be_a_dict(controls):
    with pytest.raises(TypeError, match="controls"):
        explore(print, controls, "")
