"""What a student does in JupyterLab, for Chromium driven by Playwright: open, run, type, press keys. Every wait is for a condition."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split()
PATIENCE_S = 240            # per condition; nothing waits this long unless it has failed or the machine is very busy

# The notebook in front, as JupyterLab itself sees it (the page only holds the cells in view).
CURRENT = "window.jupyterapp.shell.currentWidget"
STATE = """() => {
    const panel = %s;
    if (!panel || !panel.content || !panel.content.model) return null;
    const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
    const cells = Array.from(panel.content.model.cells).filter(c => c.type === 'code').map(c => ({
        source: c.sharedModel.getSource(), count: c.executionCount, state: c.executionState,
        errors: c.outputs.toJSON().filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)}));
    return {path: panel.context.path, kernel: kernel ? kernel.status : null, connection: kernel ? kernel.connectionStatus : null, cells};
}""" % CURRENT


def chromium():
    "Path of an installed Chromium or Chrome, or None."
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def copy_of_the_course(folder):
    "The parts of the repository that a lesson needs, so that nothing in the repository itself is touched."
    for name in ("nbs", "ddsp_course", "data"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    return folder


def private_settings(folder, opened):
    "Environment of a JupyterLab that knows no other one's files; its 'browser' writes down what it is told to open."
    places = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    config = {"ServerApp": {"ip": "127.0.0.1", "port": 0, "browser": f"{shlex.quote(sys.executable)} {shlex.quote(str(folder / 'opener.py'))} %s"},
              "LabApp": {"expose_app_in_browser": True, "news_url": None, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"}}
    quiet = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    for path, text in ((folder / "config" / "jupyter_server_config.json", json.dumps(config)),
                       (quiet, json.dumps({"fetchNews": "false", "checkForUpdates": False})),
                       (folder / "opener.py", f"import os, pathlib, sys\npart = pathlib.Path({str(opened)!r} + '.part')\n"
                                              "part.write_text(sys.argv[1])\nos.replace(part, str(part)[:-5])\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {**os.environ, **places, "IPYTHONDIR": str(folder / "ipython"), "MPLCONFIGDIR": str(folder / "mpl")}


class Server:
    """`ddsp-course lab` on a copy of the course: `start` file (what it wants to open), address, log."""

    def __init__(self, folder):
        course, self.log, opened = copy_of_the_course(folder / "course"), folder / "server.log", folder / "opened"
        self.notebooks = course / "nbs"
        environment = private_settings(folder / "jupyter", opened)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(course), os.environ.get("PYTHONPATH")]))
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "ddsp_course.cli", "lab"], cwd=course, env=environment,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self.start = self._what_it_opens(opened)
        except BaseException:
            self.stop()
            raise
        page = Path(self.start.removeprefix("file://")).read_text(encoding="utf-8")
        self.address, self.token = re.search(r"(http://127\.0\.0\.1:\d+/)[^\s\"]*token=(\w+)", page).groups()

    def _what_it_opens(self, opened):
        end = time.monotonic() + PATIENCE_S
        while not opened.is_file():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)
        return opened.read_text()

    def stop(self):
        "Ask the server to end (it ends its kernels, which are in process groups of their own), then kill what is left."
        try:
            request = urllib.request.Request(f"{self.address}api/shutdown", method="POST", headers={"Authorization": f"token {self.token}"})
            urllib.request.urlopen(request, timeout=PATIENCE_S).close()
            self.process.wait(PATIENCE_S)
        except (AttributeError, OSError, subprocess.TimeoutExpired):
            pass                                            # it never started, or no longer answers
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Lab:
    """A tab with JupyterLab in it."""

    def __init__(self, server, page):
        self.server, self.page, self.foreign = server, page, []
        page.set_default_timeout(1000 * PATIENCE_S)
        own = (server.address, server.address.replace("http", "ws"), "data:", "blob:", server.start)
        page.on("request", lambda request: None if request.url.startswith(own) else self.foreign.append(request.url))

    def open_course_map(self):
        "What `ddsp-course lab` opens in the student's browser."
        self.page.goto(self.server.start, wait_until="commit")
        self.page.wait_for_function("() => window.jupyterapp && window.jupyterapp.shell")
        self.wait_for_notebook("index.ipynb")

    def open_notebook(self, path):
        "As a double click in the file browser does."
        self.page.evaluate("path => { window.jupyterapp.commands.execute('docmanager:open', {path}); }", path)
        self.wait_for_notebook(path)

    def wait_for_notebook(self, path):
        "The notebook is in front and its kernel listens (earlier, JupyterLab would ask which kernel to use)."
        self.page.wait_for_function(f"path => {{ const s = ({STATE})(); return s && s.path === path && s.kernel === 'idle' && s.connection === 'connected'; }}", arg=path)

    def state(self):
        return self.page.evaluate(STATE)

    def index(self, text):
        "Number of the only cell whose source contains `text`."
        sources = self.page.evaluate(f"() => Array.from({CURRENT}.content.model.cells).map(c => c.sharedModel.getSource())")
        found = [i for i, source in enumerate(sources) if text in source]
        assert len(found) == 1, f"{text!r} is in {len(found)} cells, wanted 1"
        return found[0]

    def cell(self, text):
        "The cell, scrolled into view and selected."
        i = self.index(text)
        self.page.evaluate(f"async i => {{ const notebook = {CURRENT}.content; notebook.activeCellIndex = i; await notebook.scrollToItem(i, 'start'); }}", i)
        cell = self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index='{i}']")
        cell.wait_for()
        return cell

    def run_all(self):
        "Menu Run, Run All Cells; wait until each code cell has run or one has failed."
        before = [cell["count"] or 0 for cell in self.state()["cells"]]
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(f"""before => {{
            const s = ({STATE})();
            const done = (c, i) => !c.source.trim() || (c.count > before[i] && c.state !== 'running');
            return s.cells.some(c => c.errors.length) || (s.kernel === 'idle' && s.cells.every(done));
        }}""", arg=before)
        return self.state()["cells"]

    def run_cell(self, text, new_source=None):
        "Click into a cell, type a new source if there is one, press Shift+Enter, wait for the end."
        cell, i = self.cell(text), self.index(text)
        cell.locator(".cm-content").click()
        if new_source is not None:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(new_source)
        before = self.page.evaluate(f"i => {CURRENT}.content.model.cells.get(i).executionCount", i)
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(f"([i, before]) => {{ const c = {CURRENT}.content.model.cells.get(i); return c.executionCount > before && c.executionState !== 'running'; }}",
                                    arg=[i, before])

    @contextmanager
    def evidence(self):
        "If something fails: a picture of the page and the server's log, in a folder that the message names."
        try:
            yield
        except Exception as error:
            folder = Path(tempfile.mkdtemp(prefix="ddsp_course_browser_"))
            shutil.copy(self.server.log, folder / "server.log")
            try:
                self.page.screenshot(path=folder / "page.png", timeout=30000)
            except Exception as no_picture:
                (folder / "no_picture.txt").write_text(str(no_picture))
            raise AssertionError(f"{error}\nThe page and the server's log are in {folder}") from error
