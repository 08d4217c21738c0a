"""Colab: badge and first cell of every notebook, what pip may replace there, and three notebooks in an environment like Colab's."""
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from configparser import ConfigParser
from email import message_from_string
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent / "colab"
NOTEBOOKS = [path for path in sorted((ROOT / "nbs").rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
NAMES = [path.relative_to(ROOT / "nbs").as_posix() for path in NOTEBOOKS]
TABLE = {canonicalize_name(name): version for name, version in (line.split("==") for line in (HERE / "versions.txt").read_text().split("\n") if "==" in line)}
SMALL = {"torchcrepe", "resampy", "mido", "soxr", "tqdm", "safetensors", "tensorboard", "packaging"}    # pip may bring or move these
AUTHORING = ("nbdev", "fastcore", "execnb", "ghapi", "fastspec", "jupyterlab", "jupyter")

settings = ConfigParser(delimiters=["="])
settings.read(ROOT / "settings.ini", encoding="utf-8")
REPOSITORY = settings["DEFAULT"]["git_url"]


def unavailable(reason):
    "Skip, except where the environment says that this must run (.ci/run does)."
    (pytest.fail if os.environ.get("DDSP_COURSE_COLAB") == "1" else pytest.skip)(reason)


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


# --- every notebook --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_badge_opens_this_notebook(name):
    first = cells(ROOT / "nbs" / name)[0]
    image = "../" * name.count("/") + "media/colab.svg"
    link = f"https://colab.research.google.com/github/{REPOSITORY.removeprefix('https://github.com/')}/blob/{settings['DEFAULT']['branch']}/nbs/{name}"
    assert first["id"] == "colab-badge" and "".join(first["source"]) == f"[![Open in Colab]({image})]({link})"
    assert (ROOT / "nbs" / name).parent.joinpath(image).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_first_cell_is_the_same_everywhere(name):
    first = next(cell for cell in cells(ROOT / "nbs" / name) if cell["cell_type"] == "code")
    assert first["id"] == "colab-install" and first["source"] == install_cell()
    assert f'"ddsp_course @ git+{REPOSITORY}"' in "".join(first["source"])


def install_cell():
    return next(cell for cell in cells(ROOT / "nbs" / "index.ipynb") if cell["cell_type"] == "code")["source"]


@pytest.mark.parametrize("on_colab, there, installs", [(False, False, 0), (False, True, 0), (True, True, 0), (True, False, 1)])
def test_first_cell_installs_only_on_colab_and_only_once(monkeypatch, on_colab, there, installs):
    manager = pytest.importorskip("IPython.core.inputtransformer2").TransformerManager()
    monkeypatch.setitem(sys.modules, "google.colab", object()) if on_colab else monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if there else None)
    called = []

    class Shell:
        def run_line_magic(self, name, line): called.append((name, line))

    exec(manager.transform_cell("".join(install_cell())), {"get_ipython": Shell})
    assert called == [("pip", f'install -q "ddsp_course @ git+{REPOSITORY}"')] * installs


# --- what pip gets ---------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    "The files of this checkout that git would take, committed to a repository of their own: its folder and commit."
    if not shutil.which("git"):
        unavailable("git is missing")
    folder = tmp_path_factory.mktemp("repository")
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True)
    names = listed.stdout.decode().strip("\0").split("\0") if listed.returncode == 0 else [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file()]
    for name in names:
        if (ROOT / name).is_file() and not name.startswith((".venv", ".ci-venv", "build/", "demo/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)

    def git(*words):
        return subprocess.run(["git", "-C", folder, "-c", "user.name=test", "-c", "user.email=test@localhost", *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "--all", "--force")
    git("commit", "-q", "-m", "this checkout")
    return folder, git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    "A wheel built from a source distribution, as `python -m build` does."
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run([sys.executable, "-m", "build", "--outdir", out, repository[0]], capture_output=True, text=True)
    if "Could not find a version" in done.stdout + done.stderr or "No module named build" in done.stderr:
        unavailable(f"cannot build: {(done.stdout + done.stderr)[-500:]}")
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return zipfile.ZipFile(next(out.glob("*.whl")))


@pytest.fixture(scope="module")
def requirements(wheel):
    "Requires-Dist of the wheel, without the extras."
    [name] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    found = map(Requirement, message_from_string(wheel.read(name).decode("utf-8")).get_all("Requires-Dist"))
    return [r for r in found if r.marker is None or r.marker.evaluate({"extra": ""})]


def test_wheel_has_every_module_and_recording(wheel, repository):
    inside, folder = set(wheel.namelist()), repository[0]
    assert {f"ddsp_course/{p.name}" for p in (folder / "ddsp_course").glob("*.py")} <= inside
    data = {p.relative_to(folder / "data").as_posix() for p in (folder / "data").rglob("*") if p.is_file()}
    assert len([name for name in data if name.endswith(".flac")]) >= 20 and {f"ddsp_course/_data/{name}" for name in data - {"SHA256SUMS"}} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "nbs/", "data/", "slides/"))]
    assert "ddsp-course = ddsp_course.cli:main" in wheel.read(next(n for n in inside if n.endswith("entry_points.txt"))).decode()


def test_colab_keeps_its_packages(requirements):
    "Each requirement is met by what Colab has, also those of the small packages that come along."
    waiting, seen = list(requirements), set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in TABLE:
            assert requirement.specifier.contains(TABLE[name]), f"{requirement} would replace Colab's {name} {TABLE[name]}"
        else:
            assert name in SMALL, f"{name} is neither in Colab's table nor known to be small"
        if name in {"torchcrepe", "resampy", "mido"} - seen:           # not on Colab, so pip also looks at what they need
            needs = map(Requirement, importlib.metadata.requires(name) or [])
            waiting += [r for r in needs if r.marker is None or r.marker.evaluate({"extra": "", "python_version": "3.13"})]
        seen.add(name)
    assert {"torch", "numpy", "librosa", "ipywidgets", "torchaudio"} <= seen


def test_no_authoring_tool_is_required(requirements):
    assert not [r for r in requirements if canonicalize_name(r.name) in AUTHORING]


# --- an environment like Colab's -------------------------------------------------------------------------------------------------

def farm(folder):
    """Links to the packages of this environment, for what Colab has and need not be downloaded again (torch, ...).

    Left out: the course itself with the finder of its editable installation, the authoring tools, and Jupyter's
    packages, which the environment has in Colab's versions.
    """
    folder.mkdir()
    out = ("ddsp_course", "__editable__", "ipython", "ipykernel", "ipywidgets", "notebook", *AUTHORING)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(out) and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


class Colab:
    "A Python with Colab's versions, a kernel in it, and git told where the repository's address leads."
    def __init__(self, folder, repository):
        self.folder, self.python, self.content = folder, folder / "venv" / "bin" / "python", folder / "content"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        wanted = [f"{name}=={version}" for name, version in TABLE.items() if name not in ("torch", "torchaudio")]
        self.pip("install", "--quiet", "--upgrade", "pip", "setuptools")
        self.pip("install", "--quiet", "--no-compile", *wanted)
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        (site / "rest.pth").write_text(f"{farm(folder / 'rest')}\n")
        startup = folder / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        shutil.copy(HERE / "startup.py", startup / "00_colab.py")
        self.content.mkdir()
        env = {"PYTHONPATH": "", "IPYTHONDIR": str(folder / "ipython"), "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf", "GIT_CONFIG_VALUE_0": REPOSITORY}
        kernel = folder / "jupyter" / "kernels" / "like-colab"
        kernel.mkdir(parents=True)
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "like Colab", "language": "python", "env": env}))

    def pip(self, *words):
        done = subprocess.run([self.python, "-m", "pip", *words], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
        if done.returncode:
            unavailable(f"pip {words[0]} failed: {done.stderr[-500:]}")

    def run(self, name):
        "A notebook alone in /content, run to its end between two cells that look around; the notebook and what they saw."
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(ROOT / "nbs" / name, as_version=4)
        look = nbformat.v4.new_code_cell(LOOK_AROUND)
        notebook.cells = [look, *notebook.cells, nbformat.v4.new_code_cell(LOOK_AROUND)]
        NotebookClient(notebook, timeout=900, kernel_name="like-colab", resources={"metadata": {"path": str(self.content)}}).execute()
        seen = [json.loads(notebook.cells[i].outputs[0]["text"]) for i in (0, -1)]
        notebook.cells = notebook.cells[1:-1]
        return notebook, *seen


LOOK_AROUND = """
import importlib, importlib.metadata as metadata, importlib.util, json, sys
importlib.invalidate_caches()
spec = importlib.util.find_spec("ddsp_course")
print(json.dumps({"course": spec and spec.origin, "colab": "google.colab" in sys.modules, "path": sys.path, "versions": {d.name.lower(): d.version for d in reversed([*metadata.distributions()])},
    "imported": {name: sys.modules[name].__version__ for name in ("IPython", "ipykernel", "ipywidgets", "numpy", "matplotlib", "scipy", "numba", "librosa") if name in sys.modules},
    "url": json.loads(metadata.distribution("ddsp_course").read_text("direct_url.json")) if spec else None}))
"""


@pytest.fixture(scope="module")
def colab(repository, tmp_path_factory):
    pytest.importorskip("nbclient")
    if os.name != "posix":
        unavailable("the environment is made with symbolic links")
    folder = tmp_path_factory.mktemp("colab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        yield Colab(folder, repository[0])
    shutil.rmtree(folder, ignore_errors=True)                 # three quarters of a gigabyte


@pytest.fixture(scope="module")
def first_notebook(colab):
    return colab.run("t1_foundations/03_windows.ipynb")


def shown(notebook):
    "How many pictures and how many players."
    outputs = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return sum("image/png" in data for data in outputs), sum("<audio" in "".join(data.get("text/html", "")) for data in outputs)


def stored(name):
    return json.loads((ROOT / "nbs" / name).read_text(encoding="utf-8"))


def test_first_cell_installs_this_checkout(colab, first_notebook, repository):
    _, before, after = first_notebook
    assert before["colab"] and before["course"] is None, "Colab has no ddsp_course"
    assert after["course"].startswith(str(colab.folder / "venv"))
    assert after["url"]["url"] == REPOSITORY and after["url"]["vcs_info"]["commit_id"] == repository[1]
    assert not [entry for entry in filter(None, after["path"]) if Path(entry).resolve() in (ROOT, *ROOT.glob("*venv*/lib/*/site-packages"))]


def test_pip_replaced_nothing(first_notebook):
    _, before, after = first_notebook
    changed = {name: version for name, version in after["versions"].items() if before["versions"].get(name) != version}
    assert set(changed) == {"ddsp_course"}
    for name, version in TABLE.items():
        if name not in ("torch", "torchaudio"):
            assert after["versions"][name] == version
    assert not set(AUTHORING) & set(after["versions"])
    assert all(TABLE[name.lower()] == version for name, version in after["imported"].items()), "what is imported is what is listed"
    assert {"IPython", "ipykernel", "numpy", "matplotlib"} <= set(after["imported"])


def test_first_notebook_shows_everything(first_notebook):
    pictures, players = shown(first_notebook[0])
    assert (pictures, players) == shown(stored("t1_foundations/03_windows.ipynb")) and pictures >= 5 and players >= 1


@pytest.mark.parametrize("name", ["t1_foundations/05_mel_mfcc.ipynb", "support/explorer.ipynb"])
def test_more_notebooks(colab, first_notebook, name):
    "Bundled recordings from the wheel, and explorers; the course is there now, so the first cell does nothing."
    notebook, before, after = colab.run(name)
    assert before["course"] and before["versions"] == after["versions"]
    install = next(cell for cell in notebook.cells if cell.id == "colab-install")
    assert install.outputs == [] and shown(notebook) == shown(stored(name)) and sum(shown(notebook)) >= 1


WIDGETS = """
import json
from IPython.display import display
from ddsp_course.checking import quiz
from ddsp_course.exercises_signals import QUIZZES
from ddsp_course.explorer import explore, has_front_end
drawn = []
box = explore(lambda *values: drawn.append(values), {"f (Hz)": (100, 900, 500), "level (dB)": (-60.0, 0.0, -6.0), "window": ["hann", "hamming"], "log": True}, "Move f.")
controls = box.children[1:-1]
for control, value in zip(controls, (700, -12.0, "hamming", False)):
    control.value = value
key = QUIZZES["which_hann"].key
asked, verdicts = quiz(QUIZZES["which_hann"]), []
for number in (key, 3 - key if key < 3 else 1):
    asked.children[1].value = number
    asked.children[2].click()
    verdicts.append(asked.children[3].value)
display(box, asked)
print(json.dumps({"front_end": has_front_end(), "controls": [type(c).__name__ for c in controls], "drawn": drawn, "verdicts": verdicts}))
"""


def test_widgets_of_ipywidgets_7(colab, first_notebook):
    "A kernel whose front end lets a person type, as Colab's does: sliders redraw, the quiz answers."
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="like-colab", cwd=str(colab.content))
    messages = []
    try:
        reply = client.execute_interactive(WIDGETS, allow_stdin=True, output_hook=messages.append, stdin_hook=lambda message: None, timeout=300)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok", "\n".join(reply["content"].get("traceback", []))
    views = [m["content"]["data"] for m in messages if m["msg_type"] == "display_data"]
    assert sum("application/vnd.jupyter.widget-view+json" in data for data in views) == 2
    answer = json.loads(next(m["content"]["text"] for m in messages if m["msg_type"] == "stream" and m["content"]["text"].startswith("{")))
    assert answer["front_end"] and answer["controls"] == ["IntSlider", "FloatSlider", "Dropdown", "Checkbox"]
    assert answer["drawn"] == [[500, -6.0, "hann", True], [700, -6.0, "hann", True], [700, -12.0, "hann", True], [700, -12.0, "hamming", True], [700, -12.0, "hamming", False]]
    assert " passed." in answer["verdicts"][0] and " not yet." in answer["verdicts"][1]
