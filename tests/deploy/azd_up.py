#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The real azd runs `azd up`, a second `azd up` and `azd down` with this repository, against fake_azure.py on loopback.

What no linter sees is seen here: which parameters azd sends, what it uploads, with which arguments images are built, which app gets which image,
and that provisioning again keeps them.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from support import ROOT, Checks, Failure, command, replace_in, run, skip_all

_VENV = ROOT / "build/python/bin/python"
if pathlib.Path(sys.prefix) != _VENV.parent.parent and _VENV.exists():
    os.execv(_VENV, [str(_VENV), "-B", *sys.argv])
try:
    import yaml
    from bicep.evaluate import SUBSCRIPTION
    from fake_azure import Authority, FakeAzure
except ImportError as missing:
    skip_all(f"{missing}: ./dev test installs packages/pip into build/python")

_SERVICES = ("checkout", "order-processor", "receipt")
# Looked for by every azd, needed by none of its steps here.
_ASKED_FOR_NOTHING = ("GET aka.ms/azd/extensions/registry", "POST management.azure.com/providers/Microsoft.Resources/calculateTemplateHash")
_UPLOADED = ("CMakeLists.txt", "LICENSE", "cmake", "azmon", "net", "services", "local", "docker")
_NOT_UPLOADED = re.compile(r"(^|/)(\.env(\..*)?|\.azure|tests|testdata|node_modules|dist|__pycache__)(/|$)|_test\.cc$|^local/web/e2e/")


def azd_program() -> str:
    if shutil.which("azd"):
        return shutil.which("azd")
    if not shutil.which("go"):
        skip_all("no azd here, and no Go to build it with")
    code, output = command([ROOT / "tools/dev/go-tool.sh", "azd"], seconds=3000)
    if code != 0:
        skip_all(f"azd cannot be built: {output.strip()[-300:]}")
    return output.strip().splitlines()[-1]


def copy_repository(to: pathlib.Path):
    """What git knows, and what must never be uploaded beside it."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"], check=True, stdout=subprocess.PIPE).stdout
    for name in listing.decode().split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("fuzz/", "tests/conformance/")):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    for secret in (".env", "services/.env", "services/.env.local", "azmon/.azure/x/.env", "local/web/node_modules/x/index.js", "notes.txt"):
        (to / secret).parent.mkdir(parents=True, exist_ok=True)
        (to / secret).write_text("SECRET=1\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(to)], check=True)


class Rehearsal:
    def __init__(self, work: pathlib.Path, program: str):
        self.tree, self._work = work / "tree", work
        copy_repository(self.tree)
        (work / "ca").mkdir()
        self.azure = FakeAzure((self.tree / "infra/main.bicep").resolve(), Authority(work / "ca"))
        stub = work / "bicep"
        stub.write_text(f'#!/bin/sh\nexec {sys.executable} -B {ROOT}/tests/deploy/bicep_stub.py "$@"\n', encoding="utf-8")
        stub.chmod(0o755)
        bin_directory = work / "bin"
        bin_directory.mkdir()
        (bin_directory / "azd").symlink_to(program)
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "SERVICE_", "OTLP_"))}
        self._environment |= self.azure.environment() | {"AZD_CONFIG_DIR": str(work / "config"), "AZD_BICEP_TOOL_PATH": str(stub), "HOME": str(work),
                                                         "PATH": f"{bin_directory}:{os.environ['PATH']}"}
        self.azd("env", "new", "rehearsal", "--subscription", SUBSCRIPTION, "--location", "westeurope")

    def azd(self, *arguments: str, good: bool = True) -> str:
        done = subprocess.run(["azd", *arguments], cwd=self.tree, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        if (done.returncode == 0) != good:
            raise Failure(f"azd {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[:1500]}\n{self.azure.failures}\n{self.azure.unknown}")
        return done.stdout

    def apps(self) -> dict[str, dict]:
        return {thing["tags"]["azd-service-name"]: thing for thing in self.azure.resources.values() if thing["type"] == "Microsoft.App/containerApps"}

    def images(self) -> dict[str, str]:
        return {name: app["properties"]["template"]["containers"][0]["image"] for name, app in self.apps().items()}


def check_first(checks: Checks, rehearsal: Rehearsal):
    azure = rehearsal.azure
    exists = [tuple(str(sent.get(f"{name}Exists")).lower() for name in ("checkout", "orderProcessor", "receipt")) for sent in azure.deployments]
    checks.that(exists == [("false",) * 3, ("true",) * 3], "the first deployment is without images, the second keeps what runs", str(exists))
    checks.that(not azure.failures, "both deployments are carried out", str(azure.failures))
    tokens = {sent.get("serviceToken") for sent in azure.deployments}
    checks.that(len(tokens) == 1 and re.fullmatch("[0-9a-f]{64}", tokens.copy().pop() or ""), "the hook makes one token of 256 bits, and keeps it", str(tokens))
    checks.that("otlpExportEndpoint" not in azure.deployments[0] or azure.deployments[0]["otlpExportEndpoint"] in ("", None), "no second destination unless asked for",
                str(azure.deployments[0]))
    check_builds(checks, rehearsal)
    patched = {name: change["properties"]["template"]["containers"] for name, change in azure.patches}
    good = len(patched) == 3 and all(
        any(name.startswith(f"{service}-") and containers[0]["name"] == service and f"/{service}" in containers[0]["image"].replace("azmon-tracing-cpp", "")
            for service in _SERVICES) for name, containers in patched.items())
    checks.that(good, "each app's first container gets the image of its own service", str({name: containers[0].get("image") for name, containers in patched.items()}))
    images = rehearsal.images()
    checks.that(len(set(images.values())) == 3 and all(".azurecr.io/" in image for image in images.values()), "after azd up each app runs its own image", str(images))
    probes = {name: len(app["properties"]["template"]["containers"][0]["probes"]) for name, app in rehearsal.apps().items()}
    checks.that(set(probes.values()) == {3}, "and has its three probes, though azd deploy alone would leave none", str(probes))


def check_builds(checks: Checks, rehearsal: Rehearsal):
    builds = rehearsal.azure.builds
    arguments = sorted(argument["name"] + "=" + argument["value"] for build in builds for argument in build.get("arguments", []))
    checks.that(arguments == [f"SERVICE={name}" for name in _SERVICES], "three remote builds, each with its SERVICE", str(arguments))
    kinds = {(build["type"], build["platform"]["os"].lower(), build["platform"]["architecture"].lower()) for build in builds}
    checks.that(kinds == {("DockerBuildRequest", "linux", "amd64")}, "built by the registry for linux/amd64", str(kinds))
    matching = all(f"/{argument['value']}" in build["imageNames"][0] or argument["value"] in build["imageNames"][0]
                   for build in builds for argument in build["arguments"])
    checks.that(matching, "each image is named after the service that is in it", str([build["imageNames"] for build in builds]))
    wanted = {str(path.relative_to(rehearsal.tree)) for path in rehearsal.tree.rglob("*") if path.is_file()}
    wanted = {name for name in wanted if name.split("/")[0] in _UPLOADED and not _NOT_UPLOADED.search(name)}
    for build in builds:
        names = set(rehearsal.azure.uploads.get(build["sourceLocation"], []))
        extra = {name for name in names - wanted if name != build["dockerFilePath"] and name != ".dockerignore"}
        checks.that(not extra and not wanted - names and build["dockerFilePath"] in names, "what is uploaded is the allow-list and the Dockerfile: no secrets",
                    f"too much: {sorted(extra)[:5]}, too little: {sorted(wanted - names)[:5]}, {build['dockerFilePath']}")


def check_second(checks: Checks, rehearsal: Rehearsal, before: dict[str, str]):
    azure = rehearsal.azure
    sent = azure.deployments[2]
    checks.that([str(sent.get(f"{name}Exists")).lower() for name in ("checkout", "orderProcessor", "receipt")] == ["true"] * 3, "the second azd up knows of the apps", str(sent))
    kept = azure.deployments[2]["serviceToken"] == azure.deployments[0]["serviceToken"]
    checks.that(kept, "and of the token")
    checks.that(sent.get("otlpExportEndpoint") == "http://collector:4317", "OTLP_EXPORT_ENDPOINT of the azd environment becomes the second destination", str(sent))
    settings = {entry["name"]: entry.get("value") for entry in rehearsal.apps()["receipt"]["properties"]["template"]["containers"][0]["env"]}
    checks.that(settings.get("OTLP_EXPORT_ENDPOINT") == "http://collector:4317", "and reaches the apps", str(settings))
    checks.that(not azure.failures and set(rehearsal.images()) == set(before), "nothing failed")


def check_planted(checks: Checks, rehearsal: Rehearsal):
    """Errors that azd finds here."""
    azure = rehearsal.azure
    replace_in(rehearsal.tree / "infra/modules/service.bicep", "'azd-service-name': serviceName", "'azd-service-name': name")
    rehearsal.azd("provision", "--no-prompt")
    output = rehearsal.azd("deploy", "receipt", "--no-prompt", good=False)
    checks.that("azd-service-name" in output or "unable to find" in output, "a wrong azd-service-name is found", output[:700])
    replace_in(rehearsal.tree / "infra/modules/service.bicep", "'azd-service-name': name", "'azd-service-name': serviceName")
    # The image: what the test looks at after the first azd up would fail.
    replace_in(rehearsal.tree / "infra/modules/service.bicep", "empty(image) ? placeholder : image", "placeholder")
    rehearsal.azd("provision", "--no-prompt")
    checks.that(all("helloworld" in image for image in rehearsal.images().values()), "templates that lose the image are found: the apps run the placeholder", str(rehearsal.images()))
    azure.failures.clear()


def test(checks: Checks):
    program = azd_program()
    with tempfile.TemporaryDirectory(prefix="azmon-azd-") as name:
        rehearsal = Rehearsal(pathlib.Path(name), program)
        try:
            start = time.monotonic()
            rehearsal.azd("up", "--no-prompt")
            took = time.monotonic() - start
            check_first(checks, rehearsal)
            before = rehearsal.images()
            rehearsal.azd("provision", "--no-prompt")
            checks.that(rehearsal.images() == before, "azd provision alone keeps the images", f"{before} {rehearsal.images()}")
            del rehearsal.azure.deployments[2:]
            rehearsal.azd("env", "set", "OTLP_EXPORT_ENDPOINT", "http://collector:4317")
            rehearsal.azd("up", "--no-prompt")
            check_second(checks, rehearsal, before)
            check_planted(checks, rehearsal)
            rehearsal.azd("down", "--force", "--purge", "--no-prompt")
            checks.that("rg-rehearsal" in rehearsal.azure.deleted and not rehearsal.azure.resources, "azd down deletes the resource group with all that is in it", str(rehearsal.azure.deleted))
            unknown = [call for call in rehearsal.azure.unknown if call not in _ASKED_FOR_NOTHING]
            checks.that(not unknown, "azd asks for nothing that the rehearsal does not know", "\n        ".join(sorted(set(unknown))))
            print(f"azd up: {took:.2f} s, {len(rehearsal.azure.calls)} calls in all", flush=True)
        finally:
            rehearsal.azure.close()


if __name__ == "__main__":
    yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    run(test)
