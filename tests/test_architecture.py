"""The structure of the library: who may import whom, docstrings, sizes, and imports without the authoring tools."""
import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ddsp_course"

# Modules in the order of their notebooks; a module imports only from modules to its left.
# `display`, `explorer` and the kernels are the ground: they import none of the rest. `report`, `demo` and `cli` lie on top.
ORDER = """
    display explorer kernels kernels_harmonic kernels_training kernels_auditory checking
    layers sampling windows stft mel pitch loudness harmonic noise reverb
    recordings audio_files features validation storage recorder data recording_check encoder model losses runs processes training metrics how_much bounds
    audio_pairs ear_fft ear_filterbank ear_patterns peaq_movs peaq auditory pemoq perceptual listening comparison
    instruments long_sounds transfer pitch_encoder
    latents ablation invariance latent_paths latent_storage mixture prior rungs ladder midi profiles curves generation distribution_metrics generation_metrics prior_evaluation playable ensemble
    report prior_page evaluation_page demo classroom commands cli
    quizzes_analysis quizzes_basics quizzes_data quizzes_evaluation quizzes_finale quizzes_generation
    quizzes_howmuch quizzes_invariance quizzes_ladder quizzes_latents quizzes_listening quizzes_measures
    quizzes_peaq quizzes_pemoq quizzes_playable quizzes_profiles quizzes_signals quizzes_speech
    quizzes_synthesis quizzes_training quizzes_transfer quizzes_unsupervised quizzes_variants quizzes_z
    exercises_analysis exercises_autoencoder exercises_basics exercises_dataset exercises_evaluation exercises_files
    exercises_finale exercises_generation exercises_howmuch exercises_invariance exercises_ladder exercises_latents
    exercises_listening exercises_measures exercises_peaq exercises_pemoq exercises_playable exercises_profiles
    exercises_signals exercises_speech exercises_synthesis exercises_training exercises_transfer exercises_unsupervised
    exercises_variants exercises_z
""".split()
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_"))


def imports_of(module):
    "Names of our modules that a module imports."
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level == 1 or (node.module or "").startswith("ddsp_course")):
            path = (node.module or "").removeprefix("ddsp_course").strip(".")
            names |= {path.split(".")[0]} if path else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ddsp_course.")}
    return names & set(MODULES)


def test_every_module_has_a_place():
    assert MODULES == sorted(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_imports_only_earlier_modules(module):
    later = imports_of(module) - set(ORDER[: ORDER.index(module)])
    assert not later, f"{module} imports {sorted(later)}, which come later in the course"


@pytest.mark.parametrize("module", ORDER)
def test_module_is_exported_from_one_notebook(module):
    sources = [path for path in ROOT.glob("nbs/**/*.ipynb") if ".ipynb_checkpoints" not in path.parts and
               any("".join(cell["source"]).strip() == f"#| default_exp {module}" for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])]
    assert len(sources) == 1


@pytest.mark.parametrize("module", ORDER)
def test_public_functions_have_docstrings(module):
    loaded = importlib.import_module(f"ddsp_course.{module}")
    missing = []
    for name in loaded.__all__:
        item = getattr(loaded, name)
        if not (inspect.isfunction(item) or inspect.isclass(item)):
            continue
        if not (inspect.getdoc(item) or "").strip():
            missing.append(name)
        if inspect.isclass(item):
            missing += [f"{name}.{n}" for n, f in vars(item).items() if inspect.isfunction(f) and not n.startswith("_") and n != "forward" and not inspect.getdoc(f)]
    assert not missing, f"no docstring: {missing}"


@pytest.mark.parametrize("module", ORDER)
def test_sizes(module):
    text = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if line.strip()]
    assert len(code) <= 320, f"{module} has {len(code)} lines"
    long = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            docstring = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0
            if (lines := node.end_lineno - node.lineno + 1 - docstring) > 35:
                long[node.name] = lines
    assert not long, f"functions over 35 lines without their docstring: {long}"


def test_imports_without_authoring_tools():
    "nbdev, fastcore, JupyterLab, IPython and torchaudio may be missing or broken."
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {{'nbdev', 'fastcore', 'execnb', 'jupyterlab', 'IPython', 'ipywidgets', 'torchaudio', 'torchcrepe'}}:
            raise OSError(f'{{name}} is broken on this machine')
sys.meta_path.insert(0, Refuse())
import importlib, ddsp_course
for name in {ORDER!r}:
    importlib.import_module('ddsp_course.' + name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_pickle():
    "Nothing loads a pickle: torch.load only weights_only, NumPy never with allow_pickle."
    for module in ORDER:
        text = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
        assert "import pickle" not in text and "allow_pickle=True" not in text and "joblib" not in text
        assert text.count("torch.load(") == text.count("weights_only=True")
