#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The built services with exactly the environment that the Bicep files give them: same names, same ports, same addresses.

In a network namespace of its own, where nothing else can be reached: the apps' names lead to a small ingress (port 80 to the app's port), the storage
account's name to Azurite over TLS, which takes tokens only, from an identity endpoint as Container Apps has it; Application Insights is
azmon-local over TLS, the second destination azmon-local by OTLP. Needs root, for the namespaces.
"""

import atexit
import base64
import fcntl
import http.server
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from support import ROOT, Checks, command, need, run, skip_all

sys.path.insert(0, str(ROOT / "tools"))
from system.processes import Process, http as call, wait_until  # noqa: E402
from system.whole import AzmonLocal, System, azurite_missing, default_programs, orders_of  # noqa: E402

_VENV = ROOT / "build/python/bin/python"
_INSIDE = "AZMON_REHEARSAL_INSIDE"
if pathlib.Path(sys.prefix) != _VENV.parent.parent and _VENV.exists():
    os.execv(_VENV, [str(_VENV), "-B", *sys.argv])
try:
    from bicep.evaluate import TENANT, evaluate, settings_of
    from fake_azure import Authority, unsigned_token
    from findings import runtime_of
except ImportError as missing:
    skip_all(f"{missing}: ./dev test installs packages/pip into build/python")


_ORDERS = 20
_SECRET = "identity-header-of-the-platform"
_AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
_JOURNAL = pathlib.Path("/journal")


def enter_namespaces():
    """Runs this program again in its own network and mount namespaces."""
    if os.environ.get(_INSIDE):
        return
    if os.geteuid() != 0:
        skip_all("root is needed for a network namespace")
    if command(["unshare", "--net", "--mount", "true"])[0] != 0:
        skip_all("this machine lets nobody make a network namespace")
    os.execvpe("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv], os.environ | {_INSIDE: "1"})


def raise_loopback():
    siocgifflags, siocsifflags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack("16sh", fcntl.ioctl(control, siocgifflags, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(control, siocsifflags, struct.pack("16sh", b"lo", flags | up))


def forward(address: str, port: int, target: int):
    """The ingress: connections to address:port go to the app's port."""
    listener = socket.create_server((address, port), backlog=64)

    def pump(source: socket.socket, sink: socket.socket):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept():
        while True:
            client, _ = listener.accept()
            try:
                app = socket.create_connection(("127.0.0.1", target), 5)
            except OSError:
                client.close()
                continue
            for pair in ((client, app), (app, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class IdentityEndpoint:
    """Tokens of user-assigned identities, as Container Apps gives them."""

    def __init__(self, address: str):
        self.asked: list[dict[str, str]] = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = {name: values[0] for name, values in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).items()}
                good = self.headers.get("X-IDENTITY-HEADER") == _SECRET and {"api-version", "resource", "client_id"} <= set(query)
                endpoint.asked.append(query | {"good": str(good)})
                body = json.dumps({"access_token": storage_token(query["resource"]), "expires_on": str(int(time.time()) + 86_400), "resource": query["resource"],
                                   "token_type": "Bearer", "client_id": query["client_id"]} if good else {"statusCode": 400}).encode()
                self.send_response(200 if good else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Quiet: what was asked is in `asked`."""

        self._server = http.server.ThreadingHTTPServer((address, 42356), Handler)
        self.url = f"http://{address}:42356/msi/token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()


def storage_token(resource: str) -> str:
    now = int(time.time())
    return unsigned_token(aud=resource.rstrip("/"), iss=f"https://sts.windows.net/{TENANT}/", iat=now - 60, nbf=now - 60, exp=now + 86_400, oid=TENANT, tid=TENANT)


class Cloud:
    """What Azure would be, and the three apps in it."""

    def __init__(self, work: pathlib.Path):
        self.work = work
        authority_directory = work / "ca"
        authority_directory.mkdir()
        self.authority = Authority(authority_directory)
        self.local = AzmonLocal(default_programs(), work, ports={"port": 4380, "otlp-grpc-port": 4317, "otlp-http-port": 4318})
        self.local.start()
        self.local.wait_ready()
        self.deployment = evaluate(ROOT / "infra/main.bicep", {
            "environmentName": "rehearsal", "location": "westeurope", "serviceToken": "f" * 64, "orderRate": "2", "otlpExportEndpoint": "http://collector:4317"},
            self._runtime)
        self.apps = {app.body["tags"]["azd-service-name"]: app for app in self.deployment.of_type("Microsoft.App/containerApps")}
        self.blob_host = urllib.parse.urlsplit(self.deployment.outputs["AZURE_STORAGE_BLOB_ENDPOINT"]).hostname
        self.identity = IdentityEndpoint("127.0.3.1")
        self.started: dict[str, Process] = {}
        self._name_hosts()
        self._trust()
        self._start_azurite()
        self._make_container()

    @staticmethod
    def _runtime(type_name: str, name: str, body: dict) -> dict:
        if type_name == "Microsoft.Insights/components":
            return {"ConnectionString": "InstrumentationKey=00000000-0000-4000-8000-0000a2004380;IngestionEndpoint=https://localhost:4380/;LiveEndpoint=https://localhost:4380/"}
        return runtime_of(type_name, name, body)

    def _name_hosts(self):
        lines = ["127.0.0.1 localhost collector", f"127.0.2.1 {self.blob_host}"]
        for number, (service, app) in enumerate(self.apps.items(), 1):
            ingress = app.body["properties"]["configuration"]["ingress"]
            if ingress:
                lines.append(f"127.0.1.{number} {app.name}")
                forward(f"127.0.1.{number}", 80, ingress["targetPort"])
        hosts = self.work / "hosts"
        hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        need(["mount", "--bind", hosts, "/etc/hosts"])

    def _trust(self):
        bundle = self.work / "authorities.pem"
        bundle.write_text(self.authority.certificate.read_text() + pathlib.Path(self.local.ready["caFile"]).read_text(), encoding="utf-8")
        need(["mount", "--bind", bundle, _AUTHORITIES])

    def _start_azurite(self):
        certificate, key = self.authority.files(self.blob_host)
        account = self.blob_host.split(".")[0]
        main = ROOT / "build/npm/tools/node_modules/azurite/dist/src/blob/main.js"
        environment = {"PATH": os.environ["PATH"], "AZURITE_ACCOUNTS": f"{account}:{base64.b64encode(b'k' * 64).decode()}"}
        self.azurite = Process("Azurite", ["node", str(main), "--blobHost", "127.0.2.1", "--blobPort", "443", "--inMemoryPersistence", "--skipApiVersionCheck",
                                           "--disableTelemetry", "--silent", "--cert", str(certificate), "--key", str(key), "--oauth", "basic"],
                               environment, self.work / "azurite.log").start()

    def blob(self, method: str, path: str, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(f"https://{self.blob_host}{path}", method=method, headers={
            "Authorization": f"Bearer {storage_token('https://storage.azure.com')}", "x-ms-version": "2021-12-02", **headers})
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)).open(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def _make_container(self):
        """What storage.bicep makes."""
        container = self.deployment.outputs["STORAGE_ACCOUNT_CONTAINER_NAME"]
        wait_until(lambda: self.blob("PUT", f"/{container}?restype=container")[0] in (201, 409), 60, "Azurite takes the container", [self.azurite])

    def start(self, service: str) -> Process:
        app = self.apps[service]
        platform = {"CONTAINER_APP_NAME": app.name, "CONTAINER_APP_REVISION": f"{app.name}--1", "CONTAINER_APP_REPLICA_NAME": f"{app.name}--1-abc", "CONTAINER_APP_HOSTNAME": "",
                    "IDENTITY_ENDPOINT": self.identity.url, "IDENTITY_HEADER": _SECRET}
        mounts = " && ".join(f"mount -t tmpfs -o mode=1777 tmpfs {mount['mountPath']}" for mount in app.body["properties"]["template"]["containers"][0]["volumeMounts"])
        program = default_programs() / service
        self.started[service] = Process(service, ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", f'PATH=/usr/bin:/bin && {mounts} && exec "$0"', str(program)],
                                        settings_of(app) | platform, self.work / f"{service}.log").start()
        return self.started[service]

    def wait_probe(self, service: str, kind: str) -> bool:
        probe = next(probe for probe in self.apps[service].body["properties"]["template"]["containers"][0]["probes"] if probe["type"] == kind)["httpGet"]
        return wait_until(lambda: call("GET", f"http://127.0.0.1:{probe['port']}{probe['path']}", seconds=2)[0] == 200, 60,
                          f"{service} answers its {kind} probe", [self.started[service]])

    def stop(self):
        for process in (*self.started.values(), self.azurite, self.local.process):
            process.stop()

    # Enough of a System for System.wait_whole.
    wait_whole = System.wait_whole


def with_probes(cloud: Cloud):
    """The probes of the second provisioning, when the apps have their image."""
    everything = {f"{name}Exists": True for name in ("checkout", "orderProcessor", "receipt")}
    again = evaluate(ROOT / "infra/main.bicep", {"environmentName": "rehearsal", "location": "westeurope", "serviceToken": "f" * 64, "orderRate": "2",
                                                  "otlpExportEndpoint": "http://collector:4317"} | everything, cloud._runtime)
    cloud.apps = {app.body["tags"]["azd-service-name"]: app for app in again.of_type("Microsoft.App/containerApps")}


def rehearse(checks: Checks, cloud: Cloud):
    for service in ("receipt", "order-processor", "checkout"):
        cloud.start(service)
        for kind in ("Startup", "Liveness", "Readiness"):
            checks.that(cloud.wait_probe(service, kind), f"{service} answers its {kind} probe")
    checkout = cloud.started["checkout"]
    orders = wait_until(lambda: found if len(found := orders_of(checkout.output())) >= _ORDERS else None, 90, f"{_ORDERS} orders are placed", [checkout])
    failed = [order.line for order in orders if not order.ok]
    checks.that(not failed, f"{len(orders)} orders are placed, all well", f"{failed[:3]}\n{cloud.started['receipt'].log_end()}")
    for order in orders[:_ORDERS]:
        if order.ok and cloud.blob("GET", f"/receipts/order-{order.order_id}.json")[0] != 200:
            checks.that(False, f"the receipt of {order.order_id} is in the storage account")
            break
    else:
        checks.that(True, "each has its receipt in the storage account")
    for source, where in (("breeze", "Application Insights, over TLS"), ("otlp", "the second destination")):
        traces = [order.trace_id for order in orders[:_ORDERS] if order.ok]
        wrong = cloud.wait_whole(traces, 40, (source,))
        checks.that(len(traces) == _ORDERS and not wrong, f"all traces are whole at {where}", str(dict(list(wrong.items())[:2])))
    asked = [query for query in cloud.identity.asked if "storage" in query.get("resource", "")]
    wanted = settings_of(cloud.apps["receipt"])["AZURE_CLIENT_ID"]
    checks.that(asked and all(query["good"] == "True" and query.get("client_id") == wanted for query in asked) and len(asked) <= 3,
                "receipt asked for tokens of its own identity, and keeps them", str(asked[:3]))
    refused = call("POST", "http://127.0.0.1:8002/orders", b'{"orderId": 77}', {"Content-Type": "application/json"})
    checks.that(refused[0] in (401, 403), "receipt refuses a caller without the token", f"{refused[0]} {refused[2][:200]}")
    for service in ("checkout", "order-processor", "receipt"):
        code = cloud.started[service].stop(30)
        checks.that(code == 0, f"{service} ends with 0 at SIGTERM, well within its grace period", f"{code}\n{cloud.started[service].log_end()}")


def test(checks: Checks):
    with tempfile.TemporaryDirectory(prefix="azmon-cloud-") as name:
        os.chmod(name, 0o755)
        raise_loopback()
        if not _JOURNAL.exists():
            # Only a place to mount on, seen by the apps of this test; removed at the end.
            _JOURNAL.mkdir()
            atexit.register(_JOURNAL.rmdir)
        cloud = Cloud(pathlib.Path(name))
        try:
            with_probes(cloud)
            rehearse(checks, cloud)
        finally:
            cloud.stop()


if __name__ == "__main__":
    if missing := azurite_missing():
        skip_all(missing)
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "services").rglob("*.cc"))
    for needed, why in (("azmon/credential.h", "receipt does not know identities yet"), ("SERVICE_TOKEN", "the services do not know their callers yet")):
        if needed not in sources:
            skip_all(why)
    enter_namespaces()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    run(test)
