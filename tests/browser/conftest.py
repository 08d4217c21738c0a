"""JupyterLab on a copy of the course, one for all browser tests."""
import importlib.util

import pytest
from driver import Server, chromium


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("JupyterLab is not installed: pip install 'ddsp_course[lab]'")
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()
