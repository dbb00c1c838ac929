# SPDX-License-Identifier: MIT
"""A second implementation of the mapping, to compare the first with: written for plainness, one function a rule, slow.

It knows the input form and the output of README.md. Spans, log records and metrics; not the standard metrics and the samplers.
`reference.py CASES_DIR` writes what azmon-conformance writes, so that compare.py judges it by the corpus too.
"""
import base64
import json
import math
import os
import re
import sys

DROPPED_OF_SPANS = set("""
net.peer.ip net.peer.name net.peer.port net.host.ip net.host.name net.host.port net.transport peer.service http.user_agent http.method
http.url http.status_code http.status_text http.route http.host http.scheme http.target http.flavor http.client_ip db.system db.statement
db.operation db.name rpc.system rpc.grpc.status_code exception.type exception.message exception.stacktrace enduser.id
client.address client.port server.address server.port url.full url.path url.query url.scheme network.local.address network.local.port
network.peer.address network.peer.port network.protocol.name network.protocol.version network.transport user_agent.original
user_agent.synthetic.type http.request.method http.response.status_code enduser.pseudo.id session.id""".split())
DROPPED_OF_RECORDS = set("""exception.type exception.message exception.stacktrace enduser.id enduser.pseudo.id user_agent.synthetic.type
session.id""".split())
KEPT_MICROSOFT = {"microsoft.gen_ai.main_agent." + x for x in ("name", "id", "version", "conversation_id")}
LONG_KEYS = set("""gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.tool.definitions gen_ai.tool.call.arguments
gen_ai.tool.call.result gen_ai.evaluation.explanation""".split())
NOW = "2026-01-01T00:00:00.000Z"  # any: where the input has no time
MARK = "_MS.ProcessedByMetricExtractors"
SQL = set("db2 ibm.db2 derby mariadb mssql microsoft.sql_server oracle oracle.db sqlite other_sql hsqldb h2 h2database".split())
DB_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "microsoft.sql_server": 1433, "oracle": 1521, "oracle.db": 1521,
            "db2": 50000, "ibm.db2": 50000, "mongodb": 27017, "redis": 6379, "cassandra": 9042, "memcached": 11211, "h2": 8082,
            "h2database": 8082, "derby": 1527, "couchdb": 5984, "elasticsearch": 9200}
RENAMES = {
    "Private_Bytes": "\\Process(??APP_WIN32_PROC??)\\Private Bytes", "Available_Bytes": "\\Memory\\Available Bytes",
    "Processor_Time": "\\Processor(_Total)\\% Processor Time", "Process_Time_Standard": "\\Process(??APP_WIN32_PROC??)\\% Processor Time",
    "Process_Time_Normalized": "\\Process(??APP_WIN32_PROC??)\\% Processor Time Normalized",
    "Request_Rate": "\\ASP.NET Applications(??APP_W3SVC_PROC??)\\Requests/Sec",
    "Request_Execution_Time": "\\ASP.NET Applications(??APP_W3SVC_PROC??)\\Request Execution Time",
    "Exception_Rate": "\\.NET CLR Exceptions(??APP_CLR_PROC??)\\# of Exceps Thrown / sec"}


class Bytes(bytes):
    pass


class Map(list):
    """Pairs, keys resolved: of two equal ones the last value at the place of the first."""


def value(v):
    if v is None or v == {}: return None
    if "stringValue" in v: return v["stringValue"]
    if "boolValue" in v: return v["boolValue"]
    if "intValue" in v: return int(v["intValue"])
    if "doubleValue" in v: return float(v["doubleValue"])
    if "bytesValue" in v: return Bytes(base64.b64decode(v["bytesValue"]))
    if "stringRepeat" in v: return "".join(a * n for a, n in v["stringRepeat"])
    if "stringBytesHex" in v: return bytes.fromhex(v["stringBytesHex"]).decode("utf-8", "replace")
    if "arrayValue" in v: return [value(x) for x in v["arrayValue"].get("values", [])]
    if "kvlistValue" in v: return Map(pairs(v["kvlistValue"].get("values", [])).items())
    raise ValueError(v)


def name_text(v): return v if isinstance(v, str) else value(v) if v else ""


def pairs(attributes):
    out = {}
    for a in attributes: out[name_text(a["key"])] = value(a["value"])
    return out


def number(x):
    """ECMAScript's Number::toString."""
    if math.isnan(x): return "NaN"
    if math.isinf(x): return "Infinity" if x > 0 else "-Infinity"
    if x == 0: return "0"
    digits, exponent = re.fullmatch(r"(\d(?:\.\d+)?)e([+-]\d+)", _shortest(abs(x))).groups()
    d, n, sign = digits.replace(".", "").rstrip("0") or "0", int(exponent) + 1, "-" if x < 0 else ""
    k = len(d)
    if k <= n <= 21: return sign + d + "0" * (n - k)
    if 0 < n <= 21: return sign + d[:n] + "." + d[n:]
    if -6 < n <= 0: return sign + "0." + "0" * -n + d
    e = f"e{'+' if n > 0 else '-'}{abs(n - 1)}"
    return sign + (d if k == 1 else d[0] + "." + d[1:]) + e


def _shortest(x):
    for precision in range(17):
        text = f"{x:.{precision}e}"
        if float(text) == x: return text
    return f"{x:.17e}"


def as_json(v):
    if v is None or isinstance(v, float) and not math.isfinite(v): return "null"
    if isinstance(v, Map): return "{" + ",".join(quoted(k) + ":" + as_json(x) for k, x in v) + "}"
    if isinstance(v, list): return "[" + ",".join(map(as_json, v)) + "]"
    return text(v) if isinstance(v, (bool, int, float)) else quoted(text(v))


def quoted(s): return json.dumps(s, ensure_ascii=False)


def text(v):
    if v is None: return ""
    if isinstance(v, str): return v
    if isinstance(v, bool): return "true" if v else "false"
    if isinstance(v, int): return str(v)
    if isinstance(v, float): return number(v)
    if isinstance(v, Bytes): return base64.b64encode(v).decode()
    return as_json(v)


def full(v):
    """Not empty: neither missing, null, "", false, 0 nor NaN."""
    return not (v is None or v is False or v == "" or isinstance(v, (int, float)) and not isinstance(v, bool) and (v == 0 or v != v))


class Attributes(dict):
    def first(self, *keys):
        """The contract's a ?? b ?? …, as text."""
        return next((text(self[k]) for k in keys if full(self.get(k))), "")


def units(s): return len(s.encode("utf-16-le", "surrogatepass")) // 2


def cut(s, n):
    if units(s) <= n: return s
    out, used = [], 0
    for c in s:
        used += 2 if ord(c) > 0xFFFF else 1
        if used > n: break
        out.append(c)
    return "".join(out)


def cut_bytes(s, n): return s.encode("utf-8", "replace")[:n].decode("utf-8", "ignore")


def decimal(v):
    """A number or decimal text as a float, else None."""
    if isinstance(v, bool): return None
    if isinstance(v, (int, float)): return float(v) if math.isfinite(v) else None
    if isinstance(v, str) and re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", v, re.ASCII):
        x = float(v)
        return x if math.isfinite(x) else None
    return None


# --- envelope, contract 2

def time_text(nanos):
    import datetime
    s, rest = divmod(nanos // 100, 10**7)
    base = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=s)
    fraction = f"{rest:07}"
    if fraction.endswith("0000"): fraction = fraction[:3]
    elif fraction.endswith("0"): fraction = fraction[:6]
    return base.strftime("%Y-%m-%dT%H:%M:%S.") + fraction + "Z"


def duration_text(ticks):
    ticks = min(ticks, 1000 * 86400 * 10**7 - 1)
    s, rest = divmod(ticks, 10**7)
    days, s = divmod(s, 86400)
    fraction = f"{rest:07}"
    for _ in range(4): fraction = fraction[:-1] if fraction.endswith("0") else fraction
    return (f"{days}." if days else "") + f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{fraction}"


def envelope(kind, time, rate, tags, data, settings):
    name = kind[:-len("Data")]
    return {"ver": 1, "name": "Microsoft.ApplicationInsights." + name, "time": time, "sampleRate": rate, "iKey": "<iKey>",
            "tags": {**settings["tags"], **{k: v for k, v in tags.items() if v}},
            "data": {"baseType": kind, "baseData": {"ver": 2, **{k: v for k, v in data.items() if v is not None and v != {}}}}}


def optional(s, n): return cut(s, n) if s else None


def resource_tags(r):
    service, space = r.first("service.name"), r.first("service.namespace")
    with_space = f"{space}.{service}" if space else service
    role = with_space if service and not service.startswith("unknown_service") else ""
    for kind in ("deployment", "replicaset", "statefulset", "job", "cronjob", "daemonset"): role = role or r.first(f"k8s.{kind}.name")
    role = role or (with_space if service else "")
    instance = r.first("service.instance.id", "k8s.pod.name") or "<hostname>"
    return {k: cut(v, n) for k, v, n in (
        ("ai.internal.sdkVersion", "<sdkVersion>", 64), ("ai.cloud.role", role, 256), ("ai.cloud.roleInstance", instance, 256),
        ("ai.application.ver", r.first("service.version"), 1024), ("ai.device.id", r.first("device.id"), 1024),
        ("ai.device.model", r.first("device.model.name"), 256), ("ai.device.oemName", r.first("device.manufacturer"), 256)) if v}


def resource_metric(r, settings, config):
    properties = {k: v for k, v in r.items()
                  if k not in ("telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version") and not k.startswith("_MS.")}
    if config.get("applicationId") and "microsoft.applicationId" not in r: properties["microsoft.applicationId"] = config["applicationId"]
    properties = write_properties(properties)
    if not properties: return []
    return [envelope("MetricData", NOW, 100, {}, {"metrics": [{"name": "_OTELRESOURCE_", "value": 1}], "properties": properties}, settings)]


def sample_rate(a):
    v = next((a[k] for k in ("microsoft.sample_rate", "_MS.sampleRate") if full(a.get(k))), None)
    rate = decimal(v)
    return rate if rate is not None and 0 < rate <= 100 else 100


def user_tags(a):
    synthetic = a.first("microsoft.synthetic_source")
    if not synthetic and (full(a.get("user_agent.synthetic.type")) or "AlwaysOn" in a.first("user_agent.original", "http.user_agent")): synthetic = "True"
    return {"ai.operation.syntheticSource": cut(synthetic, 1024), "ai.user.id": cut(a.first("enduser.pseudo.id"), 128),
            "ai.user.authUserId": cut(a.first("enduser.id"), 1024), "ai.user.accountId": cut(a.first("microsoft.user.account_id"), 1024),
            "ai.session.id": cut(a.first("microsoft.session.id", "session.id"), 64)}


def given_id(hexadecimal): return hexadecimal if hexadecimal and hexadecimal.strip("0") else ""


def write_properties(chosen, record_keys=()):
    out = {}
    for key, v in chosen.items():
        if v is None or units(key) > 150: continue
        out[key] = cut_bytes(text(v), 262144 if key in LONG_KEYS else 8192)
    return out


def is_internal(key):
    if key.startswith("_MS."): return key != MARK
    return key.startswith("microsoft.") and key not in KEPT_MICROSOFT or key == "ai.operation.name"


def record_properties(a): return {k: v for k, v in a.items() if not is_internal(k) and k not in DROPPED_OF_RECORDS}


def measurements_of(a, computed):
    out = {}
    def put(key, x):
        key = cut(key, 150)
        if key and x is not None and math.isfinite(x): out[key] = x
    for k, x in computed.items(): put(k, x)
    v = a.get("microsoft.custom_measurements")
    if isinstance(v, str):
        try: parsed = json.loads(v)
        except ValueError: parsed = None
        if isinstance(parsed, dict):
            for k, x in parsed.items():
                if isinstance(x, (int, float)) and not isinstance(x, bool): put(k, float(x) if math.isfinite(float(x)) else None)
    return out


# --- URLs, contract 3.5 and 3.6

def parse_url(url):
    """Of http and https: (scheme, host, port or None, path), else None."""
    url = url.strip("".join(map(chr, range(0x21))))
    url = re.sub(r"[\t\r\n]", "", url)
    m = re.match(r"(https?):", url, re.I)
    if not m: return None
    rest = url[m.end():].lstrip("/\\")
    authority = re.match(r"[^/\\?#]*", rest)[0]
    path = re.match(r"[^?#]*", rest[len(authority):])[0]
    authority = authority.rpartition("@")[2]
    m2 = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", authority)
    if not m2: return None
    host, port = m2[1], int(m2[2]) if m2[2] else None
    if not host or port is not None and port > 65535: return None
    if host.startswith("["):
        if not re.fullmatch(r"\[[0-9A-Fa-f:.]+\]", host): return None
    elif re.search(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%]", host): return None
    return m[1].lower(), "".join(c.lower() if c.isascii() else c for c in host), port, path


def normal_path(path):
    path = re.sub(r"[\t\r\n]", "", path)
    if path[:1] in ("/", "\\"): path = path[1:]
    parts, out = re.split(r"[/\\]", path), []
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        plain = re.sub("%2e", ".", part, flags=re.I)
        if plain == "..":
            if out: out.pop()
            if last: out.append("")
        elif plain == ".":
            if last: out.append("")
        else: out.append(part)
    def encode(c): return "".join(f"%{b:02X}" for b in c.encode("utf-8")) if ord(c) <= 0x20 or ord(c) >= 0x7F or c in '"#<>?`{}' else c
    return "/" + "/".join("".join(map(encode, part)) for part in out)


def without_user(url):
    m = re.match(r"[^/?#\\]*?://", url)
    if not m: return url
    authority = re.match(r"[^/?#\\]*", url[m.end():])[0]
    return url[:m.end()] + authority.rpartition("@")[2] + url[m.end() + len(authority):]


def scheme_of(url):
    m = re.match(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.-]*)://", url)
    return m[1] if m else ""


def default_port(scheme): return {"http": 80, "https": 443}.get(scheme.lower())


def port_of(v):
    if isinstance(v, bool): return None
    if isinstance(v, float) and v == v and abs(v) < 1e9 and v == int(v): v = int(v)
    if isinstance(v, str) and re.fullmatch(r"[0-9]+", v.strip()): v = int(v.strip())
    return v if isinstance(v, int) and 0 < v <= 65535 else None


def bracketed(host): return f"[{host}]" if host.count(":") >= 2 and not host.startswith("[") else host


def split_host(s):
    m = re.fullmatch(r"(\[.*\]|[^:\[][^:]*):([0-9]*)", s)
    return (m[1], port_of(m[2])) if m else (s, None)


def find_peer(a):
    if a.first("server.address"): return a.first("server.address"), port_of(a.get("server.port"))
    if a.first("http.host"): return split_host(a.first("http.host"))
    url = parse_url(a.first("url.full", "http.url"))
    if url: return url[1], url[2] or None
    for host, port in (("net.peer.name", "net.peer.port"), ("network.peer.address", "network.peer.port"), ("net.sock.peer.name", "net.sock.peer.port"),
                       ("net.sock.peer.addr", "net.sock.peer.port"), ("net.peer.ip", "net.peer.port")):
        if a.first(host): return a.first(host), port_of(a.get(port))
    return "", None


def peer_of(a, family):
    if a.first("peer.service"): return a.first("peer.service")
    host, port = find_peer(a)
    if not host or port is None: return host
    scheme = scheme_of(a.first("url.full", "http.url")) or a.first("url.scheme", "http.scheme")
    defaults = {default_port(scheme)} if scheme else {80, 443}
    if family == "db": defaults.add(DB_PORTS.get(a.first("db.system.name", "db.system")))
    return host if port in defaults else f"{bracketed(host)}:{port}"


def assemble_url(a, is_server):
    whole = a.first("url.full", "http.url")
    if whole: return without_user(whole)
    query = a.first("url.query")
    query = query and "?" + query.removeprefix("?") if query else ""
    behind = a.first("url.path") + query if a.first("url.path") else a.first("http.target") or ("/" + query if query else "")
    if not behind: return ""
    scheme = a.first("url.scheme", "http.scheme")
    if a.first("server.address"): host, port = a.first("server.address"), port_of(a.get("server.port"))
    elif a.first("http.host"): host, port = a.first("http.host"), "as it is"
    elif is_server and a.first("http.server_name", "net.host.name"): host, port = a.first("http.server_name", "net.host.name"), port_of(a.get("net.host.port"))
    elif a.first("net.peer.name"): host, port = a.first("net.peer.name"), port_of(a.get("net.peer.port"))
    elif a.first("network.peer.address"): host, port = a.first("network.peer.address"), port_of(a.get("network.peer.port"))
    else: host, port = a.first("net.peer.ip"), port_of(a.get("net.peer.port"))
    if not scheme or not host: return behind if is_server is not None else ""
    if port != "as it is":
        host = bracketed(host)
        if port is not None and port != default_port(scheme): host += f":{port}"
    return f"{scheme}://{host}" + (behind if behind.startswith("/") else "/" + behind)


# --- spans, contract 3

def method_of(a): return a.first("http.request.method", "http.method")
def azure_of(a): return a.first("az.namespace", "azure.resource_provider.namespace")
def is_broker(a): return azure_of(a) in ("Microsoft.EventHub", "Microsoft.ServiceBus") and not method_of(a)


def broker_address(a):
    peer = a.first("server.address", "net.peer.name", "peer.address") or "unknown"
    return peer.removesuffix("/") + "/" + (a.first("messaging.destination.name", "message_bus.destination") or "unknown")


def messaging_address(a):
    known = [x for x in (peer_of(a, "messaging"), a.first("messaging.destination.name", "messaging.destination", "message_bus.destination")) if x]
    return "/".join(known) or a.first("messaging.system")


def path_name(a):
    url = parse_url(a.first("url.full", "http.url"))
    return f"{method_of(a)} {normal_path(url[3])}" if url and method_of(a) else ""


def request_name(span, a):
    if span["kind"] == "CONSUMER": return a.first("microsoft.operation_name", "ai.operation.name") or span["name"]
    if a.first("microsoft.operation_name"): return a.first("microsoft.operation_name")
    method = method_of(a)
    if method and a.first("http.route"): return f"{method} {a.first('http.route')}"
    if path_name(a): return path_name(a)
    path = a.first("url.path", "http.target")
    if method and path.startswith("/"): return f"{method} {normal_path(re.match('[^?#]*', path)[0])}"
    return span["name"]


def http_status(a): return a.first("http.response.status_code", "http.status_code")


def request_success(span, a):
    if span["status"] == "OK": return True
    if span["status"] == "ERROR": return False
    status = next((a[k] for k in ("http.response.status_code", "http.status_code") if full(a.get(k))), None)
    if span["kind"] == "SERVER" and method_of(a) and status is None: return False
    if isinstance(status, float) and math.isinf(status): return status < 0
    n = decimal(status)
    if n is None and isinstance(status, str) and re.fullmatch(r"\d+", status, re.ASCII): return False
    return not (n is not None and n >= 400)


def map_request(span, a):
    name = request_name(span, a)
    source = ""
    if span["kind"] == "CONSUMER":
        if is_broker(a): source = broker_address(a)
        elif full(a.get("messaging.system")): source = messaging_address(a)
    method = method_of(a)
    code = http_status(a) if method else a.first("rpc.grpc.status_code", "rpc.response.status_code")
    url = assemble_url(a, span["kind"] == "SERVER") if method else ""
    return name, {
        "name": cut(a.first("microsoft.request.name") or name, 1024), "success": request_success(span, a),
        "responseCode": cut(a.first("microsoft.request.resultCode") or code or "0", 1024),
        "source": optional(a.first("microsoft.request.source") or source, 1024), "url": optional(a.first("microsoft.request.url") or url, 2048)}


def family_of(a):
    if method_of(a): return "http"
    if full(a.get("db.system.name")) or full(a.get("db.system")): return "db"
    if full(a.get("rpc.system.name")) or full(a.get("rpc.system")): return "rpc"
    if full(a.get("messaging.system")): return "messaging"
    if azure_of(a): return "azure"
    if full(a.get("gen_ai.provider.name")) or full(a.get("gen_ai.system")): return "genai"
    return "generic"


def map_dependency(span, a):
    kind, family = span["kind"], family_of(a)
    kind = kind if kind in ("CLIENT", "PRODUCER") else "INTERNAL"
    name, data, code, query = span["name"], "", "0", False
    type_ = {"INTERNAL": "InProc", "PRODUCER": "Queue Message", "CLIENT": "Dependency"}[kind]
    peer = peer_of(a, family)
    target = ""
    queue = {"PRODUCER": "Queue Message | "}.get(kind, "")
    if family == "http":
        type_, target, code = "Http", peer, http_status(a) or "0"
        data = assemble_url(a, None)
        template = a.first("url.template")
        name = f"{method_of(a)} {template}" if template else path_name(a) or name
    elif family == "db":
        system = a.first("db.system.name", "db.system")
        type_ = "SQL" if system in SQL else system
        data = a.first("db.query.text", "db.statement")
        query = bool(data)
        data = data or a.first("db.operation.name", "db.operation")
        database = a.first("db.namespace", "db.name")
        target = "|".join(x for x in (peer, database) if x) or system
    elif family == "rpc":
        system = a.first("rpc.system.name", "rpc.system")
        type_, target = "GRPC" if system == "grpc" else system, peer or system
        code = a.first("rpc.grpc.status_code", "rpc.response.status_code") or "0"
    elif family == "messaging" and kind != "INTERNAL": type_, target = queue + a.first("messaging.system"), messaging_address(a)
    elif family == "azure" and kind != "INTERNAL": type_, target = queue + azure_of(a), peer
    elif family == "genai" and kind == "CLIENT":
        provider = a.first("gen_ai.provider.name", "gen_ai.system")
        type_, target = "GenAI | " + provider, peer or provider
    elif family in ("generic", "genai") and kind != "INTERNAL": target = peer
    if azure_of(a):
        if kind == "INTERNAL": type_ = "InProc | " + azure_of(a)
        elif is_broker(a): type_, target = queue + azure_of(a), broker_address(a)
    def over(key, x): return a.first("microsoft.dependency." + key) or x
    return family, query, {
        "name": cut(over("name", name), 1024), "resultCode": cut(over("resultCode", code), 1024), "data": optional(over("data", data), 8192),
        "type": optional(over("type", type_), 1024), "target": optional(over("target", target), 1024), "success": span["status"] != "ERROR"}


def span_properties(span, a, family, query):
    is_request = span["kind"] in ("SERVER", "CONSUMER")
    rpc = family == "rpc" if not is_request else not method_of(a) and (full(a.get("rpc.system.name")) or full(a.get("rpc.system")))
    dropped = set(DROPPED_OF_SPANS)
    if family == "db" and not is_request: dropped |= {"db.system.name", "db.namespace", "db.query.text", "db.operation.name"}
    if rpc: dropped |= {"rpc.system.name", "rpc.response.status_code"}
    if query: dropped -= {"db.operation", "db.operation.name"}
    out = {k: v for k, v in a.items() if not is_internal(k) and k not in dropped}
    if span["links"]:
        out["_MS.links"] = json.dumps([{"operation_Id": l["traceId"], "id": l["spanId"]} for l in span["links"][:100]], separators=(",", ":"))
    return out


def exception_data(a, message):
    stack = a.first("exception.stacktrace")
    entry = {"typeName": cut(a.first("exception.type") or "Exception", 1024), "message": cut(message or "Exception", 32768), "hasFullStack": bool(stack)}
    if stack: entry["stack"] = cut(stack, 32768)
    return {"exceptions": [entry]}


def map_span(raw, settings):
    a = Attributes(pairs(raw.get("attributes", [])))
    span = {"kind": raw.get("kind", "INTERNAL"), "name": name_text(raw.get("name", "")), "status": raw.get("status", {}).get("code", "UNSET"),
            "links": raw.get("links", [])}
    start, end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
    rate = sample_rate(a)
    is_request = span["kind"] in ("SERVER", "CONSUMER")
    if is_request: (operation, data), family, query = map_request(span, a), "", False
    else: family, query, data = map_dependency(span, a); operation = a.first("ai.operation.name")
    ip = a.first("microsoft.client.ip")
    if span["kind"] == "SERVER":
        ip = ip or a.first("client.address", "http.client_ip") or a.first("network.peer.address", "net.peer.ip") or a.first("net.sock.peer.addr")
    shared = {"ai.operation.id": given_id(raw.get("traceId")), "ai.operation.name": cut(operation, 1024), **user_tags(a)}
    tags = {**shared, "ai.operation.parentId": given_id(raw.get("parentSpanId")), "ai.location.ip": cut(ip, 46),
            "ai.user.userAgent": a.first("user_agent.original", "http.user_agent")}
    computed = {}
    if span["kind"] == "CONSUMER" and is_broker(a):
        waits = [decimal(pairs(l.get("attributes", [])).get("enqueuedTime")) for l in span["links"]]
        waits = [start // 10**6 - w for w in waits if w is not None]
        if waits: computed["timeSinceEnqueued"] = max(0.0, sum(waits) / len(waits))
    data = {"id": raw["spanId"], "duration": duration_text((max(0, end - start) + 50) // 100), **data,
            "properties": write_properties(span_properties(span, a, family, query)), "measurements": measurements_of(a, computed)}
    out = [envelope("RequestData" if is_request else "RemoteDependencyData", time_text(start), rate, tags, data, settings)]
    for e in raw.get("events", []):
        ea, name = Attributes(pairs(e.get("attributes", []))), name_text(e.get("name", ""))
        event_tags = {**shared, "ai.operation.parentId": given_id(raw["spanId"])}
        session = cut(ea.first("microsoft.session.id", "session.id"), 64)
        if session: event_tags["ai.session.id"] = session
        if name == "exception": kind, body = "ExceptionData", exception_data(ea, ea.first("exception.message"))
        else: kind, body = "MessageData", {"message": cut(name or "n/a", 32768)}
        body = {**body, "properties": write_properties(record_properties(ea)), "measurements": measurements_of(ea, {})}
        out.append(envelope(kind, time_text(int(e["timeUnixNano"])), rate, event_tags, body, settings))
    return out


# --- log records, contract 4

LEGACY = {"AvailabilityData": ["id", "name", "duration", "success", "runLocation", "message"], "ExceptionData": None, "MessageData": None,
          "PageViewData": None, "EventData": None}


def level(n): return ["Verbose", "Verbose", "Information", "Warning", "Error", "Critical"][(n - 1) // 4] if 1 <= n <= 24 else ""


def availability(a, body):
    d = a["microsoft.availability.duration"]
    if not (isinstance(d, str) and re.fullmatch(r"(\d+\.)?([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,7})?", d, re.ASCII)):
        ticks = math.floor((decimal(d) or 0) * 10000 + 0.5)
        d = duration_text(ticks if ticks > 0 else 0)
    s = a["microsoft.availability.success"]
    return {"id": cut(text(a["microsoft.availability.id"]), 512), "name": cut(text(a["microsoft.availability.name"]), 1024), "duration": d,
            "success": s is True or isinstance(s, str) and s.lower() == "true", "runLocation": optional(a.first("microsoft.availability.runLocation"), 1024),
            "message": optional(a.first("microsoft.availability.message") or text(body), 8192)}


def iso_nanos(s):
    import datetime
    m = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)", s, re.ASCII) if isinstance(s, str) else None
    if not m: return None
    zone = "+00:00" if m[3] == "Z" else m[3] if ":" in m[3] else m[3][:3] + ":" + (m[3][3:] or "00")
    try: seconds = int(datetime.datetime.fromisoformat(m[1] + zone).timestamp())
    except ValueError: return None
    return seconds * 10**9 + int(((m[2] or "") + "0" * 9)[:9]) if seconds >= 0 else None


def map_log(raw, scope, settings):
    """None: legacy data, which this implementation leaves to the corpus."""
    a, body = Attributes(pairs(raw.get("attributes", []))), value(raw.get("body"))
    severity, severity_text = int(raw.get("severityNumber", 0)), name_text(raw.get("severityText", ""))
    time = next((int(raw.get(k, 0)) for k in ("timeUnixNano", "observedTimeUnixNano") if int(raw.get(k, 0))), None)
    extra, computed = {"LoggerName": scope}, {}
    if not level(severity): extra["SeverityText"] = severity_text
    if full(a.get("exception.type")) or full(a.get("exception.message")):
        message = a.first("exception.message") or text(body)
        kind, data = "ExceptionData", {**exception_data(a, message), "severityLevel": level(severity) or None}
        if isinstance(body, str) and body != message: extra["log.body"] = body
    elif full(a.get("microsoft.custom_event.name")):
        kind, data = "EventData", {"name": cut(a.first("microsoft.custom_event.name"), 512)}
        for k, v in body if isinstance(body, Map) else ():
            if k == "measurements" and isinstance(v, Map):
                computed = {n: float(x) for n, x in v if isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)}
    elif all(a.get("microsoft.availability." + k) not in (None, "") for k in ("id", "name", "duration", "success")):
        kind, data = "AvailabilityData", availability(a, body)
        time = iso_nanos(a.get("microsoft.availability.testTimestamp")) or time
    elif isinstance(body, Map) and text(a.get("_MS.baseType")) in LEGACY: return None
    else: kind, data = "MessageData", {"message": cut(text(body) or name_text(raw.get("eventName", "")) or "n/a", 32768), "severityLevel": level(severity) or None}
    chosen = record_properties(a)
    for k, v in extra.items():
        if v and a.get(k) is None: chosen[k] = v
    data = {**data, "properties": write_properties(chosen), "measurements": measurements_of(a, computed)}
    tags = {"ai.operation.id": given_id(raw.get("traceId")), "ai.operation.parentId": given_id(raw.get("spanId")),
            "ai.operation.name": cut(a.first("microsoft.operation_name", "ai.operation.name"), 1024), **user_tags(a),
            "ai.location.ip": cut(a.first("microsoft.client.ip"), 46)}
    return envelope(kind, time_text(time) if time else NOW, sample_rate(a), tags, data, settings)


# --- metrics, contract 5

def map_point(metric, point, scope, settings, config):
    def get(k): return float(point[k]) if k in point and point[k] is not None and not isinstance(point[k], dict) else None
    time = int(point.get("timeUnixNano", 0))
    entry = {"name": cut(RENAMES.get(name_text(metric["name"]), name_text(metric["name"])), 1024), "kind": "Aggregation"}
    if config.get("metricNamespace") and scope: entry["ns"] = cut(scope, 256)
    if "HISTOGRAM" in metric["instrument"]:
        count, total = int(point.get("count", 0)), get("sum") or 0.0
        if count == 0 or not math.isfinite(total): return None
        entry |= {"value": total, "count": min(count, 2147483647)}
        for k in ("min", "max"):
            if get(k) is not None and math.isfinite(get(k)): entry[k] = get(k)
    else:
        v = point["value"]
        v = value(v) if isinstance(v, dict) else float(v) if isinstance(v, str) else v
        if v is None or not math.isfinite(v): return None
        entry |= {"value": v, "count": 1}
    return envelope("MetricData", time_text(time) if time else NOW, 100, {},
                    {"metrics": [entry], "properties": write_properties(pairs(point.get("attributes", [])))}, settings)


def map_case(case):
    """The envelopes of a case; None if it holds what this implementation leaves to the corpus."""
    i = case["input"]
    config, scope = i.get("config", {}), i.get("scope", {}).get("name", "")
    r = Attributes(pairs(i.get("resource", {}).get("attributes", [])))
    settings = {"tags": resource_tags(r)}
    if i["signal"] == "trace":
        out = resource_metric(r, settings, config) if config.get("resourceMetric") else []
        for span in i["spans"]: out += map_span(span, settings)
        return out
    if i["signal"] == "log":
        out = [map_log(log, scope, settings) for log in i["logRecords"]]
        return None if None in out else out
    if i["signal"] == "metric":
        return [x for m in i["metrics"] for x in (map_point(m, p, scope, settings, config) for p in m["dataPoints"]) if x]
    return None


def main():
    """reference.py CASES_DIR writes the envelopes; with --judge before it they are compared at once, and the cases that are not left out counted."""
    import compare
    folder, judges = sys.argv[-1], "--judge" in sys.argv
    cases = {name: case for name, case in compare.read_cases(folder, []).items() if map_case(case) is not None}
    outputs = {name: map_case(case) for name, case in cases.items()}
    if judges: sys.exit(compare.report(cases, outputs, 3, 20, [] if len(cases) > 700 else ["cases are missing"]))
    for name, envelopes in outputs.items(): print(json.dumps({"name": name, "envelopes": envelopes}))


if __name__ == "__main__":
    main()
