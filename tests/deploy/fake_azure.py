# SPDX-License-Identifier: MIT
"""A Resource Manager, a registry and a blob service of ours on loopback, as far as azd talks to them.

azd reaches it as its HTTPS proxy: every host is answered here, with a certificate of a throw-away authority, so nothing can leave the machine.
A deployment is carried out by evaluating the Bicep files with the parameters that azd sent. A call that nobody answers here is kept in
`unknown` and gets a 404.
"""

import base64
import http.server
import io
import json
import pathlib
import re
import socket
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.parse

from bicep.evaluate import SUBSCRIPTION, TENANT, EvaluationError, evaluate
from findings import runtime_of

_SUBSCRIPTION_PATH = f"/subscriptions/{SUBSCRIPTION}"


class Authority:
    """Makes certificates by the openssl program."""

    def __init__(self, work: pathlib.Path):
        self._work, self._lock, self._contexts = work, threading.Lock(), {}
        self.certificate = work / "ca.pem"
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=rehearsal",
                  "-keyout", work / "ca.key", "-out", self.certificate, "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def files(self, host: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate and key for a host name or an IPv4 address."""
        name = re.sub(r"[^a-z0-9.-]", "_", host.lower())
        key, request, certificate = (self._work / f"{name}.{end}" for end in ("key", "csr", "pem"))
        with self._lock:
            if not certificate.exists():
                kind = "IP" if re.fullmatch(r"[\d.]+", host) else "DNS"
                (self._work / f"{name}.ext").write_text(f"subjectAltName={kind}:{host}\n", encoding="utf-8")
                self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={host[:60]}",
                          "-keyout", key, "-out", request)
                self._run("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._work / "ca.key", "-CAcreateserial", "-days", "2",
                          "-extfile", self._work / f"{name}.ext", "-out", certificate)
        return certificate, key

    def context(self, host: str) -> ssl.SSLContext:
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.files(host))
            self._contexts[host] = context
        return self._contexts[host]


def unsigned_token(**claims) -> str:
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


class FakeAzure:
    def __init__(self, main_bicep: pathlib.Path, authority: Authority):
        self.main_bicep, self.authority = main_bicep, authority
        self.calls: list[str] = []
        self.unknown: list[str] = []
        self.deployments: list[dict] = []      # parameters of each
        self.failures: list[str] = []
        self.resources: dict[str, dict] = {}   # id in lower case → what is there
        self.uploads: dict[str, list[str]] = {}  # path → names in the tarball
        self.builds: list[dict] = []
        self.patches: list[tuple[str, dict]] = []
        self.deleted: list[str] = []
        self._outputs: dict[str, dict] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler, self)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_address[1]

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def environment(self) -> dict[str, str]:
        here = f"http://127.0.0.1:{self.port}"
        return {"HTTPS_PROXY": here, "HTTP_PROXY": "", "NO_PROXY": "127.0.0.1", "SSL_CERT_FILE": str(self.authority.certificate), "SSL_CERT_DIR": "/nonexistent",
                "AZD_AUTH_ENDPOINT": here, "AZD_AUTH_KEY": "key", "AZURE_DEV_COLLECT_TELEMETRY": "no", "AZD_SKIP_UPDATE_CHECK": "true",
                "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "CI": "true", "GITHUB_ACTIONS": ""}

    # ---- answers

    def answer(self, method: str, host: str, target: str, headers, body: bytes) -> tuple[int, object, dict]:
        url = urllib.parse.urlsplit(target)
        path = urllib.parse.unquote(url.path)
        with self._lock:
            self.calls.append(f"{method} {host}{path}")
            if path == "/token":
                return 200, {"status": "success", "token": unsigned_token(oid=TENANT, tid=TENANT, preferred_username="rehearsal@example.com",
                                                                         exp=int(time.time()) + 36_000), "expiresOn": "2099-01-01T00:00:00Z"}, {}
            for pattern, wanted, handler in _ROUTES:
                match = re.fullmatch(pattern, path, re.IGNORECASE)
                if match and method == wanted:
                    return handler(self, match, urllib.parse.parse_qs(url.query), body)
            self.unknown.append(f"{method} {host}{path}")
        return 404, {"error": {"code": "NotFound", "message": f"the rehearsal does not know {method} {host}{path}"}}, {}

    def tenants(self, *_):
        return 200, {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT, "displayName": "rehearsal"}]}, {}

    def subscriptions(self, *_):
        return 200, {"value": [self._subscription()]}, {}

    def subscription(self, *_):
        return 200, self._subscription(), {}

    @staticmethod
    def _subscription() -> dict:
        return {"id": _SUBSCRIPTION_PATH, "subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "rehearsal", "state": "Enabled"}

    def locations(self, *_):
        return 200, {"value": [{"id": f"{_SUBSCRIPTION_PATH}/locations/westeurope", "name": "westeurope", "displayName": "West Europe",
                                "regionalDisplayName": "(Europe) West Europe", "metadata": {"regionType": "Physical"}}]}, {}

    def groups(self, match, query, body):
        wanted = re.findall(r"tagName eq '([^']+)' and tagValue eq '([^']+)'", " ".join(query.get("$filter", [])))
        found = [thing for thing in self.resources.values() if thing["type"] == "Microsoft.Resources/resourceGroups"
                 and all(thing.get("tags", {}).get(name) == value for name, value in wanted)]
        return 200, {"value": found}, {}

    def group(self, match, *_):
        found = self.resources.get(f"{_SUBSCRIPTION_PATH}/resourcegroups/{match[1]}".lower())
        return (200, found, {}) if found else (404, {"error": {"code": "ResourceGroupNotFound"}}, {})

    def list_resources(self, match, query, body):
        wanted = re.findall(r"tagName eq '([^']+)' and tagValue eq '([^']+)'", " ".join(query.get("$filter", [])))
        inside = f"{_SUBSCRIPTION_PATH}/resourcegroups/{match[1]}/providers/".lower()
        found = [{"location": "westeurope"} | {key: thing[key] for key in ("id", "name", "type", "location", "tags") if key in thing} for where, thing in self.resources.items()
                 if where.startswith(inside) and thing["type"].count("/") == 1 and "Microsoft.Authorization" not in thing["type"]
                 and all(thing.get("tags", {}).get(name) == value for name, value in wanted)]
        return 200, {"value": found}, {}

    def empty_list(self, *_):
        return 200, {"value": []}, {}

    def validate(self, match, query, body):
        failure = self._deploy(match[1], json.loads(body), really=False)
        if failure:
            return 400, {"error": {"code": "InvalidTemplateDeployment", "message": failure}}, {}
        return 200, self._deployment(match[1]) | {}, {}

    def what_if(self, *_):
        return 200, {"status": "Succeeded", "properties": {"changes": []}}, {}

    def deploy(self, match, query, body):
        request = json.loads(body)
        if not request["properties"]["template"].get("resources"):
            # At its end azd puts an empty deployment over the last one, so that it is not taken for what is there.
            self._outputs[match[1]] = {"outputs": {}, "ids": [], "tags": request.get("tags", {})}
            return 201, self._deployment(match[1]), {}
        self.deployments.append({name: entry.get("value") for name, entry in request["properties"]["parameters"].items()} | {"name": match[1]})
        failure = self._deploy(match[1], request, really=True)
        if failure:
            self.failures.append(failure)
            return 400, {"error": {"code": "DeploymentFailed", "message": failure}}, {}
        return 201, self._deployment(match[1]), {}

    def get_deployment(self, match, *_):
        if match[1] not in self._outputs:
            return 404, {"error": {"code": "DeploymentNotFound"}}, {}
        return 200, self._deployment(match[1]), {}

    def _deploy(self, name: str, request: dict, really: bool) -> str:
        given = {key: entry.get("value") for key, entry in request["properties"]["parameters"].items()}
        made: dict[str, dict] = {}

        def world(type_name: str, resource: str, body: dict) -> dict:
            if type_name == "Microsoft.App/containerApps" and "properties" not in body:
                for there in self.resources.values():
                    if there["type"] == type_name and there["name"] == resource:
                        return there["properties"]
                raise EvaluationError(f"ResourceNotFound: there is no {type_name} {resource}")
            return runtime_of(type_name, resource, body)

        try:
            deployed = evaluate(self.main_bicep, given, world)
        except EvaluationError as error:
            return str(error)
        for resource in deployed.resources:
            properties = {key: value for key, value in resource.body.items() if key != "name"}
            extra = runtime_of(resource.type, resource.name, resource.body)
            made[resource.id.lower()] = {**properties, "id": resource.id, "name": resource.name.split("/")[-1], "type": resource.type,
                                         "properties": properties.get("properties", {}) | extra | {"provisioningState": "Succeeded"}}
        if really:
            self.resources |= made
            self._outputs[name] = {"outputs": deployed.outputs, "ids": [resource.id for resource in deployed.resources], "tags": request.get("tags", {})}
        return ""

    def _deployment(self, name: str) -> dict:
        known = self._outputs.get(name, {"outputs": {}, "ids": [], "tags": {}})
        return {"id": f"{_SUBSCRIPTION_PATH}/providers/Microsoft.Resources/deployments/{name}", "name": name, "type": "Microsoft.Resources/deployments",
                "location": "westeurope", "tags": known["tags"], "properties": {
                    "provisioningState": "Succeeded", "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "templateHash": "1",
                    "outputs": {key: {"type": "String", "value": value} for key, value in known["outputs"].items()},
                    "outputResources": [{"id": identity} for identity in known["ids"]], "dependencies": []}}

    def deployments_list(self, *_):
        return 200, {"value": [self._deployment(name) for name in self._outputs]}, {}

    def registries(self, *_):
        return 200, {"value": [thing for thing in self.resources.values() if thing["type"] == "Microsoft.ContainerRegistry/registries"]}, {}

    def upload_url(self, match, *_):
        number = len(self.uploads) + 1
        self.uploads[f"source{number}.tar.gz"] = []
        return 200, {"uploadUrl": f"https://acrtasks.blob.core.windows.net/source/source{number}.tar.gz?sig=x", "relativePath": f"source{number}.tar.gz"}, {}

    def put_blob(self, match, query, body):
        if body[:2] == b"\x1f\x8b":
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                self.uploads[match[1]] = sorted(member.name.removeprefix("./") for member in archive.getmembers() if member.isfile())
        return 201, "", {"ETag": '"1"'}

    def schedule_run(self, match, query, body):
        self.builds.append(json.loads(body))
        return 200, self._run(f"r{len(self.builds)}"), {}

    @staticmethod
    def _run(name: str) -> dict:
        return {"id": f"/runs/{name}", "name": name, "type": "Microsoft.ContainerRegistry/registries/runs",
                "properties": {"runId": name, "status": "Succeeded", "provisioningState": "Succeeded", "runType": "QuickRun"}}

    def run(self, match, *_):
        return 200, self._run(match[1]), {}

    def log_url(self, match, *_):
        return 200, {"logLink": f"https://acrtasks.blob.core.windows.net/logs/{match[1]}.log?sig=x"}, {}

    def log(self, *_):
        return 200, "built\n", {"x-ms-meta-Complete": "successful", "ETag": '"1"', "x-ms-blob-type": "AppendBlob"}

    def app(self, match, *_):
        found = self._app(match[1])
        return (200, found, {}) if found else (404, {"error": {"code": "ResourceNotFound"}}, {})

    def _app(self, name: str) -> dict | None:
        return next((thing for thing in self.resources.values() if thing["type"] == "Microsoft.App/containerApps" and thing["name"] == name), None)

    def secrets(self, match, *_):
        return 200, {"value": self._app(match[1])["properties"]["configuration"]["secrets"]}, {}

    def patch_app(self, match, query, body):
        change = json.loads(body)
        self.patches.append((match[1], change))
        there = self._app(match[1])
        there["properties"] = there["properties"] | {"template": change["properties"]["template"]}
        return 200, there, {}

    def delete_group(self, match, *_):
        self.deleted.append(match[1])
        inside = f"{_SUBSCRIPTION_PATH}/resourcegroups/{match[1]}".lower()
        self.resources = {where: thing for where, thing in self.resources.items() if not where.startswith(inside)}
        return 200, "", {}

    def resource(self, match, *_):
        found = self.resources.get(match[0].lower())
        return (200, found, {}) if found else (404, {"error": {"code": "ResourceNotFound"}}, {})

    def delete_workspace(self, match, *_):
        self.deleted.append(match[1])
        return 200, "", {}


_SUB = r"/subscriptions/[^/]+"
_GROUP = rf"{_SUB}/resourceGroups/([^/]+)"
_ANY_GROUP = rf"{_SUB}/resourceGroups/[^/]+"
_REGISTRY = rf"{_ANY_GROUP}/providers/Microsoft.ContainerRegistry/registries/[^/]+"
_APP = rf"{_ANY_GROUP}/providers/Microsoft.App/containerApps/([^/]+)"
_DEPLOYMENT = rf"{_SUB}/providers/Microsoft.Resources/deployments/([^/]+)"
_ROUTES = [
    (r"/tenants", "GET", FakeAzure.tenants), (r"/subscriptions", "GET", FakeAzure.subscriptions), (_SUB, "GET", FakeAzure.subscription),
    (rf"{_SUB}/locations", "GET", FakeAzure.locations), (rf"{_SUB}/resourcegroups", "GET", FakeAzure.groups), (_GROUP, "GET", FakeAzure.group),
    (rf"{_GROUP}/resources", "GET", FakeAzure.list_resources), (_GROUP, "DELETE", FakeAzure.delete_group),
    (rf"{_SUB}/providers/Microsoft.Resources/deployments/?", "GET", FakeAzure.deployments_list),
    (rf"{_DEPLOYMENT}/validate", "POST", FakeAzure.validate), (rf"{_DEPLOYMENT}/whatIf", "POST", FakeAzure.what_if),
    (_DEPLOYMENT, "PUT", FakeAzure.deploy), (_DEPLOYMENT, "GET", FakeAzure.get_deployment), (rf"{_DEPLOYMENT}/operations", "GET", FakeAzure.empty_list),
    (rf"{_SUB}/providers/Microsoft.ContainerRegistry/registries", "GET", FakeAzure.registries),
    (rf"{_REGISTRY}/listBuildSourceUploadUrl", "POST", FakeAzure.upload_url), (rf"{_REGISTRY}/scheduleRun", "POST", FakeAzure.schedule_run),
    (rf"{_REGISTRY}/runs/([^/]+)/listLogSasUrl", "POST", FakeAzure.log_url), (rf"{_REGISTRY}/runs/([^/]+)", "GET", FakeAzure.run),
    (r"/source/([^/]+)", "PUT", FakeAzure.put_blob), (r"/logs/[^/]+", "HEAD", FakeAzure.log), (r"/logs/[^/]+", "GET", FakeAzure.log),
    (rf"{_ANY_GROUP}/providers/Microsoft.OperationalInsights/workspaces/([^/]+)", "DELETE", FakeAzure.delete_workspace),
    (_APP, "GET", FakeAzure.app), (_APP, "PATCH", FakeAzure.patch_app), (rf"{_APP}/listSecrets", "POST", FakeAzure.secrets),
    (rf"{_ANY_GROUP}/providers/.+", "GET", FakeAzure.resource),
]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, handler, azure: FakeAzure):
        self.azure = azure
        super().__init__(address, handler)

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = ""
    timeout = 60

    def do_CONNECT(self):
        host = self.path.rsplit(":", 1)[0]
        self.send_response(200, "Connection established")
        self.end_headers()
        self.connection = self.server.azure.authority.context(host).wrap_socket(self.connection, server_side=True)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rfile, self.wfile = self.connection.makefile("rb", -1), self.connection.makefile("wb", 0)
        self.host, self.close_connection = host, False

    def _serve(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer, headers = self.server.azure.answer(self.command, self.host, self.path, self.headers, body)
        payload = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def log_message(self, *_):
        """Quiet: the calls are kept by FakeAzure."""
