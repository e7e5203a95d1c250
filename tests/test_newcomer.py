"""The way of `docs/getting-started.md`, walked by a program: from a clone to a job that fails with an annotated finding, and
the hook in the real pre-commit. Only what is committed is tried; needs Git, and a package index for pip (slow)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
_MOST_SECONDS = 600

pytestmark = pytest.mark.slow


class Machine:
    """A clone of this repository, proctor installed from it, and the repository of an app."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start = time.monotonic()
        self.app = folder / "photos"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PROCTOR_"))
        } | {"PROCTOR_CACHE": str(folder / "cache"), "PRE_COMMIT_HOME": str(folder / "pre-commit")}
        self.must(folder, "git", "clone", "--quiet", str(ROOT), "proctor")
        self.must(folder, "python3", "-m", "venv", "proctor-venv")
        self.pip("proctor-venv", "./proctor")
        self.environment["PATH"] = f"{folder / 'proctor-venv' / 'bin'}:{os.environ['PATH']}"
        shutil.copytree(ROOT / "fixtures" / "apps" / "photos", self.app)
        self.must(self.app, "git", "init", "--quiet", "--initial-branch=main")
        self.commit()

    def pip(self, venv: str, *what: str) -> None:
        program = str(self.folder / venv / "bin" / "pip")
        self.must(self.folder, program, "install", "--quiet", "--disable-pip-version-check", *what)

    def run(self, folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, folder: Path, *command: str) -> str:
        done = self.run(folder, *command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def commit(self) -> None:
        self.must(self.app, "git", "add", "--all")
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        self.must(self.app, "git", *identity, "commit", "--quiet", "--allow-empty", "--message", "x")

    def steps(self, runs: list[str], **variables: str) -> list[subprocess.CompletedProcess[str]]:
        """Run the steps of a job as a runner does: a shell each, the first that fails ends the job."""
        done = []
        for each in runs:
            done.append(self.run(self.app, "bash", "-e", "-o", "pipefail", "-c", each, **variables))
            if done[-1].returncode:
                break
        return done


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("newcomer"))


def check_annotated(done: subprocess.CompletedProcess[str], summary: Path) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert any("file=photos/web.py,line=18," in line and "TF822" in line for line in errors)
    assert "TF822" in summary.read_text(encoding="utf-8")


def test_from_a_clone_to_an_annotated_finding(machine: Machine) -> None:
    assert "photos.web:app" in machine.must(machine.app, "proctor", "processes")
    shown = machine.must(machine.app, "proctor", "init", "--ci", "github", "--pre-commit")
    assert "+++ b/.github/workflows/proctor.yml" in shown
    machine.must(machine.app, "proctor", "init", "--ci", "github", "--pre-commit", "--yes")
    machine.commit()

    workflow: Any = yaml.safe_load(
        (machine.app / ".github/workflows/proctor.yml").read_text(encoding="utf-8")
    )
    runs = [step["run"] for step in workflow["jobs"]["proctor"]["steps"] if "run" in step]
    machine.must(machine.folder, "python3", "-m", "venv", "runner")
    summary = machine.folder / "summary.md"
    path = f"{machine.folder / 'runner' / 'bin'}:{os.environ['PATH']}"
    done = machine.steps(runs, PATH=path, GITHUB_STEP_SUMMARY=str(summary))
    assert len(done) == len(runs) == 2
    check_annotated(done[-1], summary)
    seconds = time.monotonic() - machine.start
    print(f"from a clone to an annotated finding: {seconds:.0f} s")
    assert seconds < _MOST_SECONDS


def test_the_hook_in_pre_commit(machine: Machine) -> None:
    machine.must(machine.app, "proctor", "init", "--pre-commit", "--yes")
    machine.commit()
    machine.must(machine.folder, "python3", "-m", "venv", "hooks")
    machine.pip("hooks", "pre-commit")
    program = str(machine.folder / "hooks" / "bin" / "pre-commit")
    done = machine.run(machine.app, program, "run", "--all-files", "--verbose")
    assert done.returncode == 1 and "TF822" in done.stdout, done.stdout + done.stderr
    machine.must(machine.app, "proctor", "baseline", "--output", "known.json")
    config = machine.app / ".pre-commit-config.yaml"
    config.write_text(config.read_text() + "      args: [--baseline, known.json]\n", encoding="utf-8")
    machine.commit()
    machine.must(machine.app, program, "run", "--all-files")


def test_the_action(machine: Machine) -> None:
    action: Any = yaml.safe_load((machine.folder / "proctor" / "action.yml").read_text(encoding="utf-8"))
    values = {"${{ github.action_path }}": str(machine.folder / "proctor")}
    values |= {f"${{{{ inputs.{name} }}}}": each["default"] for name, each in action["inputs"].items()}
    values["${{ inputs.arguments }}"] = "--fail-on error --select TF"
    scratch = machine.folder / "temp"
    scratch.mkdir()
    summary = scratch / "summary.md"
    steps = [step for step in action["runs"]["steps"] if "run" in step]
    done = []
    for step in steps:
        assert "${{" not in step["run"]  # values come by variables
        own = {name: values[value] for name, value in step["env"].items()}
        done += machine.steps(
            [step["run"]], RUNNER_TEMP=str(scratch), GITHUB_STEP_SUMMARY=str(summary), **own
        )
    check_annotated(done[-1], summary)
    log = json.loads((scratch / "proctor.sarif").read_text(encoding="utf-8"))
    assert {each["ruleId"][:2] for each in log["runs"][0]["results"]} == {"TF"}


@pytest.mark.parametrize("kind", ["job", "template"])
def test_the_jobs_of_gitlab(machine: Machine, kind: str) -> None:
    if kind == "job":
        machine.must(machine.app, "proctor", "init", "--ci", "gitlab", "--yes")
        file = machine.app / ".gitlab-ci.yml"
    else:
        file = machine.folder / "proctor" / "templates" / "gitlab.yml"
    job: Any = yaml.safe_load(file.read_text(encoding="utf-8"))["proctor"]
    variables = {**job.get("variables", {}), "PROCTOR_SOURCE": str(machine.folder / "proctor")}
    machine.must(machine.folder, "python3", "-m", "venv", f"gitlab-{kind}")
    path = f"{machine.folder / f'gitlab-{kind}' / 'bin'}:{os.environ['PATH']}"
    venv = str(machine.folder / "gitlab-venv")
    script = [line.replace("/tmp/proctor", venv) for line in job["script"]]
    done = machine.steps(script, PATH=path, **variables)
    assert len(done) == len(script) and done[-1].returncode == 1, done[-1].stdout + done[-1].stderr
    reports = job["artifacts"]["reports"]
    found = json.loads((machine.app / reports["codequality"]).read_text(encoding="utf-8"))
    assert any(each["check_name"] == "TF822" for each in found)
    assert (machine.app / reports["junit"]).read_text(encoding="utf-8").startswith("<?xml")


def test_what_the_container_recipe_copies_is_enough(machine: Machine) -> None:
    clone = machine.folder / "proctor"
    recipe = (clone / "Dockerfile").read_text(encoding="utf-8")
    build = recipe.split("\nFROM ")[1]
    copied = [line.split()[1:] for line in build.splitlines() if line.startswith("COPY ")]
    ignored = (clone / ".dockerignore").read_text(encoding="utf-8").splitlines()
    image = machine.folder / "src"
    image.mkdir()
    for *sources, target in copied:
        for source in sources:
            assert f"!{source}" in ignored
            if (clone / source).is_dir():
                shutil.copytree(clone / source, image / target)
            else:
                shutil.copy(clone / source, image / target)
    (run,) = (line[4:] for line in build.splitlines() if line.startswith("RUN "))
    prefix = str(machine.folder / "opt")
    done = machine.run(
        image, "sh", "-c", run.replace("/opt/proctor", prefix).replace("python ", "python3 ", 1)
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(image)
    assert "TF822" in machine.run(machine.app, f"{prefix}/bin/proctor", "check").stdout
