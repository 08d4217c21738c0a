"""Packaging: every field comes from settings.ini; the recordings in data/ travel as package data."""
import shlex
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

parser = ConfigParser(delimiters=["="])
parser.read("settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]


def words(key):
    return shlex.split(settings.get(key, ""))


# A checkout reads data/ in place; a wheel carries it as ddsp_course/_data.
data_folders = sorted({path.parent for path in Path("data").rglob("*") if path.is_file()})
data_packages = {".".join(["ddsp_course", "_data", *folder.parts[1:]]): str(folder) for folder in data_folders}

setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    author=settings["author"],
    author_email=settings["author_email"],
    license="Apache-2.0",
    url=settings["git_url"],
    keywords=words("keywords"),
    classifiers=["Intended Audience :: Education", "Programming Language :: Python :: 3"],
    packages=find_packages(include=["ddsp_course", "ddsp_course.*"]) + list(data_packages),
    package_dir=data_packages,
    package_data={name: ["*.flac", "*.json", "*.jsonl", "*.safetensors", "*.csv", "*.md", "*.txt", "*.html", "*.mid"] for name in data_packages},
    install_requires=words("requirements"),
    extras_require={key.removesuffix("_requirements"): words(key) for key in settings if key.endswith("_requirements")},
    python_requires=">=" + settings["min_python"],
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    zip_safe=False,
    entry_points={
        "console_scripts": words("console_scripts"),
        "nbdev": [f"{settings['lib_path']}={settings['lib_path']}._modidx:d"],
    },
)
