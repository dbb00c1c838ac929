#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Kustomize base and the AKS overlay go through a real kube-apiserver with etcd: a server-side dry run without an error or a warning, in a
namespace of the restricted Pod Security profile. Errors that no schema knows are planted, and found."""

import os
import pathlib
import shutil
import sys
import tempfile
import time

from support import ROOT, Checks, Failure, command, copy_tree, need, replace_in, run, skip_all

sys.path.insert(0, str(ROOT / "tools"))
from system.processes import Process, port, wait_until  # noqa: E402

_VENV = ROOT / "build/python/bin/python"
if pathlib.Path(sys.prefix) != _VENV.parent.parent and _VENV.exists():
    os.execv(_VENV, [str(_VENV), "-B", *sys.argv])
try:
    import findings
except ImportError as missing:
    skip_all(f"{missing}: ./dev test installs packages/pip into build/python")

# File, text, what is put in its place, and a part of what the server then says.
_PLANTS = [
    ("receipt.yaml", "    matchLabels:\n      app.kubernetes.io/name: receipt\n  strategy", "    matchLabels:\n      app.kubernetes.io/name: receipts\n  strategy", "selector"),
    ("receipt.yaml", "minReplicas: 2", "minReplicas: 9", "maxReplicas"),
    ("receipt.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "would violate PodSecurity"),
    ("receipt.yaml", "        runAsNonRoot: true\n", "", "would violate PodSecurity"),
    ("receipt.yaml", "              memory: 64Mi", "              memory: 64GB", "quantities"),
    ("receipt.yaml", "              memory: 64Mi", "              memory: 512Mi", "less than or equal to memory limit"),
    ("receipt.yaml", "            failureThreshold: 30", "            failureThreshold: -1", "failureThreshold"),
    ("receipt.yaml", "            - name: journal\n              mountPath", "            - name: jurnal\n              mountPath", "jurnal"),
    ("receipt.yaml", "      targetPort: http", "      targetPort: a-name-of-more-than-15", "targetPort"),
    ("network.yaml", "        - port: http", "        - port: 80000", "port"),
]


class Server:
    """etcd and kube-apiserver on loopback."""

    def __init__(self, work: pathlib.Path, apiserver: str):
        peers, clients, self._port = port(), port(), port()
        (work / "tokens.csv").write_text('token,admin,1,"system:masters"\n', encoding="utf-8")
        need(["openssl", "genrsa", "-out", work / "sa.key", "2048"])
        self.etcd = Process("etcd", ["etcd", "--data-dir", str(work / "etcd"), "--listen-client-urls", f"http://127.0.0.1:{clients}", "--advertise-client-urls",
                                     f"http://127.0.0.1:{clients}", "--listen-peer-urls", f"http://127.0.0.1:{peers}", "--initial-advertise-peer-urls",
                                     f"http://127.0.0.1:{peers}", "--initial-cluster", f"default=http://127.0.0.1:{peers}"], dict(os.environ), work / "etcd.log").start()
        self.api = Process("kube-apiserver", [
            apiserver, f"--etcd-servers=http://127.0.0.1:{clients}", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self._port}",
            f"--cert-dir={work / 'certificates'}", "--service-account-issuer=https://localhost", f"--service-account-key-file={work / 'sa.key'}",
            f"--service-account-signing-key-file={work / 'sa.key'}", "--service-cluster-ip-range=10.96.0.0/24", "--authorization-mode=RBAC",
            f"--token-auth-file={work / 'tokens.csv'}", "--disable-admission-plugins=ServiceAccount"], dict(os.environ), work / "apiserver.log").start()
        self._kubeconfig = {"KUBECONFIG": str(work / "none"), "HOME": str(work)}
        wait_until(lambda: self.kubectl("get", "--raw", "/readyz")[0] == 0, 120, "the API server is ready", [self.etcd, self.api])

    def kubectl(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        return command(["kubectl", f"--server=https://127.0.0.1:{self._port}", "--insecure-skip-tls-verify", "--token=token", *arguments],
                       environment=self._kubeconfig, seconds=60, stdin=stdin)

    def stop(self):
        self.api.stop()
        self.etcd.stop()

    def dry_run(self, manifests: str) -> tuple[bool, str]:
        code, output = self.kubectl("apply", "--server-side", "--dry-run=server", "--filename", "-", stdin=manifests)
        return code == 0 and "Warning" not in output, output


def test(checks: Checks):
    for name in ("etcd", "kubectl", "openssl"):
        if not shutil.which(name):
            skip_all(f"no {name} here" + (" (Debian: etcd-server)" if name == "etcd" else ""))
    try:
        kustomize = findings.kustomize()
    except findings.Missing as missing:
        skip_all(str(missing))
    apiserver = shutil.which("kube-apiserver")
    if not apiserver:
        if not shutil.which("go"):
            skip_all("no kube-apiserver here, and no Go to build it with")
        code, output = command([ROOT / "tools/dev/go-tool.sh", "kube-apiserver"], seconds=3400)
        if code != 0:
            skip_all(f"kube-apiserver cannot be built: {output.strip()[-300:]}")
        apiserver = output.strip().splitlines()[-1]
    with tempfile.TemporaryDirectory(prefix="azmon-k8s-") as name:
        work = pathlib.Path(name)
        start = time.monotonic()
        server = Server(work, apiserver)
        try:
            print(f"API server ready in {time.monotonic() - start:.1f} s", flush=True)
            code, output = server.kubectl("apply", "--server-side", "--filename", str(ROOT / "deploy/k8s/base/namespace.yaml"))
            if code != 0:
                raise Failure(output)
            for overlay in ("base", "aks"):
                good, output = server.dry_run(need([*kustomize, ROOT / "deploy/k8s" / overlay]))
                checks.that(good and output.count("serverside-applied") >= 15, f"the API server takes {overlay} without an error or a warning", output)
            for file, old, new, expected in _PLANTS:
                tree = copy_tree(work / "planted", ["deploy"])
                replace_in(tree / "deploy/k8s/base" / file, old, new)
                good, output = server.dry_run(need([*kustomize, tree / "deploy/k8s/base"]))
                checks.that(not good and expected in output, f"it finds '{expected}' in a copy of {file}", output[:1500])
                shutil.rmtree(tree)
        finally:
            server.stop()


if __name__ == "__main__":
    run(test)
