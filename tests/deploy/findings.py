# SPDX-License-Identifier: MIT
"""The checks of the deployment files. Each takes a tree (the repository, or a copy with an error planted in it) and returns what it finds
wrong, empty if nothing; Missing says which tool is not here."""

import json
import pathlib
import re
import shutil

import bicep.check
import bicep.evaluate
import yaml
from support import ROOT, command

DATA = pathlib.Path(__file__).parent / "data"
_ROLES = {"7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull", "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
          "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher"}
# What azd sets itself; everything else in main.parameters.json must be explained in docs/deploy.md.
_AZD_SETS = re.compile(r"AZURE_ENV_NAME|AZURE_LOCATION|SERVICE_[A-Z_]+_RESOURCE_EXISTS")
# Variables of the Azure SDKs and OpenTelemetry that a container app gives, beside those that the services' --help names.
_LIBRARY_VARIABLES = ("AZURE_CLIENT_ID", "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "OTLP_EXPORT_ENDPOINT",
                      "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "AZMON_STORAGE_DIRECTORY", "SERVICE_TOKEN", "SERVICE_TOKEN_PREVIOUS", "PORT", "HOST")


class Missing(Exception):
    """A tool that is not here."""


def tool(name: str) -> str:
    """A program of build/python or of PATH."""
    own = ROOT / "build/python/bin" / name
    if own.exists():
        return str(own)
    found = shutil.which(name)
    if not found:
        raise Missing(f"no {name} here; ./dev test installs it into build/python")
    return found


def _complaints(arguments: list) -> list[str]:
    code, output = command(arguments)
    return [] if code == 0 else [line for line in output.splitlines() if line.strip()] or [f"exit code {code}"]


def azure_yaml(tree: pathlib.Path) -> list[str]:
    """azd's own schema, and the keys that it does not look at."""
    found = _complaints([tool("check-jsonschema"), "--schemafile", DATA / "azure.yaml.schema.json", tree / "azure.yaml"])
    described = yaml.safe_load((tree / "azure.yaml").read_text(encoding="utf-8"))
    for name, service in described["services"].items():
        found += [f"service {name}: azd knows no key '{key}'" for key in set(service) - {"project", "host", "language", "docker"}]
        if service["host"] != "containerapp":
            found.append(f"service {name}: its host is {service['host']}")
        docker = service["docker"]
        if not (tree / docker["path"]).is_file():
            found.append(f"service {name}: there is no {docker['path']}")
        if docker.get("buildArgs") != [f"SERVICE={name}"] or not docker.get("remoteBuild"):
            found.append(f"service {name}: it must be built at the registry with the argument SERVICE={name}")
        if (tree / f"infra/{name}.bicep").exists() or (tree / f"infra/{name}.bicepparam").exists():
            found.append(f"infra/{name}.bicep would make azd deploy this service by that file")
    steps = [step["azd"] for step in described["workflows"]["up"]["steps"]]
    if steps != ["provision", "deploy --all", "provision"]:
        found.append(f"workflows.up is {steps}: without the second provision the apps keep the placeholder's template")
    for when in ("preup", "preprovision"):
        found += [f"{when}: there is no hook {hook['run']}" for hook in described["hooks"][when].values() if not (tree / hook["run"]).is_file()]
    return found


def compose(tree: pathlib.Path) -> list[str]:
    found = _complaints([tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", tree / "compose.yaml"])
    services = yaml.safe_load((tree / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        found += [f"{name} waits for '{other}', which is no service" for other in service.get("depends_on", {}) if other not in services]
        if "build" in service:
            if not (tree / service["build"]["dockerfile"]).is_file():
                found.append(f"{name}: there is no {service['build']['dockerfile']}")
            if not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
                found.append(f"{name} is not read-only without capabilities")
        found += [f"{name} is open to the network: {port}" for port in service.get("ports", []) if not str(port).startswith("127.0.0.1:")]
        found += [f"{name}: nobody reads {variable}" for variable in service.get("environment", {})
                  if name in _services(tree) and variable not in _known_variables(tree, name)]
    return found


def bicep_types(tree: pathlib.Path) -> list[str]:
    shapes = json.loads((DATA / "arm-shapes.json").read_text(encoding="utf-8"))
    return bicep.check.Checker(shapes, (tree / "infra").resolve()).run()


def bicep_policy(tree: pathlib.Path) -> list[str]:
    """What no template of ours may hold."""
    found = []
    for path in sorted((tree / "infra").rglob("*.bicep")):
        code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        for pattern, why in ((r"\blist(Keys|Credentials|AccountSas|ServiceSas)\b", "reads keys"), (r"adminUserEnabled:\s*true", "an admin user"),
                             (r"allowSharedKeyAccess:\s*true", "shared keys"), (r"external:\s*true", "an app open to the internet"),
                             (r":latest'", "a floating tag")):
            for match in re.finditer(pattern, code):
                if "containerapps-helloworld" not in code[max(0, match.start() - 80):match.end()]:
                    found.append(f"{path.name}: {why}: {match[0]}")
        for role in re.findall(r"'([0-9a-f]{8}-[0-9a-f-]{27})'", code):
            if role not in _ROLES:
                found.append(f"{path.name}: {role} is no role that we know")
    return found


def runtime_of(type_name: str, name: str, body: dict) -> dict:
    """What Azure would answer with, for an evaluation without Azure."""
    if type_name == "Microsoft.App/containerApps" and "properties" not in body:
        return {"template": {"containers": [{"image": "registry.example/app:1"}]}}
    return {"Microsoft.ManagedIdentity/userAssignedIdentities": {"clientId": f"client-{name}", "principalId": f"principal-{name}"},
            "Microsoft.Insights/components": {"ConnectionString": "InstrumentationKey=00000000-0000-4000-8000-000000000003"},
            "Microsoft.ContainerRegistry/registries": {"loginServer": f"{name}.azurecr.io"},
            "Microsoft.Storage/storageAccounts": {"primaryEndpoints": {"blob": f"https://{name}.blob.core.windows.net/"}}}.get(type_name, {})


def deployment(tree: pathlib.Path, **parameters) -> bicep.evaluate.Deployment:
    return bicep.evaluate.evaluate((tree / "infra/main.bicep").resolve(), {"environmentName": "dev", "location": "westeurope", "serviceToken": "t" * 64}
                                   | parameters, runtime_of)


def parameters(tree: pathlib.Path) -> list[str]:
    """main.bicep, main.parameters.json, the variables of azd and the documentation name the same things."""
    declared = bicep.evaluate.parameter_types(tree / "infra/main.bicep")
    given = json.loads((tree / "infra/main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    documented = (tree / "docs/deploy.md").read_text(encoding="utf-8")
    found = [f"main.parameters.json gives '{name}', which main.bicep has not" for name in set(given) - set(declared)]
    found += [f"main.bicep has '{name}', which main.parameters.json does not give" for name in set(declared) - set(given)]
    for name, entry in given.items():
        match = re.fullmatch(r"\$\{([A-Z_]+)(=[^}]*)?\}", entry["value"])
        if not match:
            found.append(f"main.parameters.json: {name} is no ${{VARIABLE}}")
            continue
        if not _AZD_SETS.fullmatch(match[1]) and f"`{match[1]}`" not in documented:
            found.append(f"{match[1]} is neither set by azd nor in docs/deploy.md")
        if name in declared and declared[name][1] != (match[2] is not None):
            found.append(f"{name} has a default in one of main.bicep and main.parameters.json only")
    services = _services(tree)
    for service in services:
        variable = f"SERVICE_{service.upper().replace('-', '_')}_RESOURCE_EXISTS"
        if f"${{{variable}=false}}" not in {entry["value"] for entry in given.values()}:
            found.append(f"{service} would lose its image when it is provisioned again: no {variable}")
    return found


def cross(tree: pathlib.Path) -> list[str]:
    """What the evaluated templates ask for, against azure.yaml, the services' settings and Azure's limits."""
    found = []
    try:
        # As long as azd lets the environment's name be.
        deployed = deployment(tree, environmentName="e" * 64, checkoutExists=True, orderProcessorExists=True, receiptExists=True,
                              otlpExportEndpoint="http://collector:4317", serviceTokenPrevious="p" * 64, insightsLocalAuthentication=False)
        deployment(tree, managedOtelAgent=True)
    except bicep.evaluate.EvaluationError as error:
        return [str(error)]
    apps = {app.body["tags"].get("azd-service-name"): app for app in deployed.of_type("Microsoft.App/containerApps")}
    if set(apps) != set(_services(tree)):
        found.append(f"azd-service-name tags {sorted(map(str, apps))} are not the services of azure.yaml {sorted(_services(tree))}")
    for resource in deployed.resources:
        least, most, characters = {
            "Microsoft.App/containerApps": (2, 32, "a-z0-9-"), "Microsoft.App/managedEnvironments": (2, 60, "a-z0-9-"),
            "Microsoft.ContainerRegistry/registries": (5, 50, "a-zA-Z0-9"), "Microsoft.Storage/storageAccounts": (3, 24, "a-z0-9"),
            "Microsoft.Resources/resourceGroups": (1, 90, "a-zA-Z0-9._()-"), "Microsoft.ManagedIdentity/userAssignedIdentities": (3, 128, "a-zA-Z0-9_-"),
            "Microsoft.OperationalInsights/workspaces": (4, 63, "a-zA-Z0-9-")}.get(resource.type, (1, 260, None))
        if not least <= len(resource.name) <= most or (characters and not re.fullmatch(f"[{characters}]+", resource.name)):
            found.append(f"{resource.type} cannot be named '{resource.name}'")
        tagged = resource.type.split("/")[0] in ("Microsoft.Authorization",) or "/" in resource.name or resource.type.endswith("diagnosticSettings")
        if not tagged and not resource.type.startswith("Microsoft.Storage/storageAccounts/") and resource.body.get("tags", {}).get("azd-env-name") != "e" * 64:
            found.append(f"{resource.symbol} has no tag azd-env-name")
    for name, app in apps.items():
        if name in _services(tree):
            found += [f"{name}: {what}" for what in _app_findings(tree, name, app)]
    return found + _identity_findings(deployed)


def _app_findings(tree: pathlib.Path, name: str, app) -> list[str]:
    found = []
    properties = app.body["properties"]
    container = properties["template"]["containers"][0]
    settings = bicep.evaluate.settings_of(app)
    if container["image"] != "registry.example/app:1":
        found.append(f"provisioning again replaces its image by {container['image']}")
    known = _known_variables(tree, name)
    found += [f"nobody reads {variable}" for variable in settings if variable not in known]
    port, health = _ports(tree, name)
    if settings.get("HEALTH_PORT") != str(health):
        found.append(f"HEALTH_PORT={settings.get('HEALTH_PORT')}, the program's is {health}")
    routes = set(re.findall(r'router\.Add\("GET", "(/[a-z]+)"', (tree / "services/shared/service.cc").read_text(encoding="utf-8")))
    for probe in container["probes"]:
        request = probe["httpGet"]
        if request["path"] not in routes or str(request["port"]) != settings.get("HEALTH_PORT"):
            found.append(f"the {probe['type']} probe asks {request['path']} on {request['port']}")
    if sorted(probe["type"] for probe in container["probes"]) != ["Liveness", "Readiness", "Startup"]:
        found.append("not the three probes")
    ingress = properties["configuration"]["ingress"]
    if name == "checkout":
        if ingress is not None or properties["template"]["scale"]["maxReplicas"] != 1:
            found.append("it must have no ingress and one replica")
    elif ingress is None or ingress["external"] or ingress["targetPort"] != port or settings.get("PORT") != str(port):
        found.append(f"its ingress must be internal, to port {port}: {ingress}")
    elif not properties["template"]["scale"]["rules"]:
        found.append("no scale rule")
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    if settings.get("AZMON_STORAGE_DIRECTORY") not in mounts or properties["template"]["volumes"][0]["storageType"] != "EmptyDir":
        found.append("telemetry does not wait on an EmptyDir")
    if properties["template"]["terminationGracePeriodSeconds"] < 20:
        found.append("draining and handing over the telemetry take up to 15 s")
    return found


def _identity_findings(deployed) -> list[str]:
    found = []
    roles = [(role.body["properties"]["principalId"], _ROLES[role.body["properties"]["roleDefinitionId"].split("/")[-1]], role.id)
             for role in deployed.of_type("Microsoft.Authorization/roleAssignments")]
    for app in deployed.of_type("Microsoft.App/containerApps"):
        service = app.body["tags"]["azd-service-name"]
        client = bicep.evaluate.settings_of(app)["AZURE_CLIENT_ID"]
        if f"client-id-{service}-" not in client:
            found.append(f"{service} has the identity of another: {client}")
        if not any(service in principal and role == "Monitoring Metrics Publisher" and "/components/" in where for principal, role, where in roles):
            found.append(f"{service} may not send telemetry with its identity")
    for principal, role, where in roles:
        good = {"AcrPull": "id-pull-" in principal and "/registries/" in where, "Monitoring Metrics Publisher": "/components/" in where,
                "Storage Blob Data Contributor": "id-receipt-" in principal and "/containers/receipts/" in where}[role]
        if not good:
            found.append(f"{principal} has {role} at {where}")
    if len({where for _, _, where in roles}) != len(roles) or len(roles) != 5:
        found.append(f"{len(roles)} roles, some under one name or missing")
    environment = deployed.of_type("Microsoft.App/managedEnvironments")[0].body["properties"]
    if not environment["peerTrafficConfiguration"]["encryption"]["enabled"]:
        found.append("traffic between the apps is not encrypted")
    account = deployed.of_type("Microsoft.Storage/storageAccounts")[0].body["properties"]
    if account["allowSharedKeyAccess"] or account["allowBlobPublicAccess"] or account["minimumTlsVersion"] != "TLS1_2":
        found.append("the storage account has keys, public blobs or old TLS")
    return found


def _services(tree: pathlib.Path) -> list[str]:
    return list(yaml.safe_load((tree / "azure.yaml").read_text(encoding="utf-8"))["services"])


def _known_variables(tree: pathlib.Path, service: str) -> set[str]:
    """What the sources of a service, and of what is common to all, read."""
    sources = [*(tree / "services" / service).glob("*.cc"), *(tree / "services/shared").glob("*.cc"), *(tree / "services/shared").glob("*.h")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources if not path.stem.endswith("_test"))
    return set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', text)) | set(_LIBRARY_VARIABLES)


def _ports(tree: pathlib.Path, service: str) -> tuple[int, int]:
    text = (tree / "services" / service / "settings.cc").read_text(encoding="utf-8")
    match = re.search(r"reader\.(?:Listen|Common)\((\d+), (\d+)", text)
    return int(match[1]), int(match[2])


def dockerfiles(tree: pathlib.Path) -> list[str]:
    found = []
    for path in sorted((tree / "docker").glob("*.Dockerfile")):
        found += _complaints([tool("hadolint"), "--no-color", path])
        text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for pattern in (r"^# ?syntax=", r"RUN[^\n]*--mount", r"COPY[^\n]*--(chmod|link)", r"<<-?['\"]?[A-Z]+", r"FROM[^\n]*--platform", r"--security", r"\$\{?TARGET(ARCH|PLATFORM)"):
            if re.search(pattern, text, re.MULTILINE):
                found.append(f"{path.name}: {pattern} needs BuildKit, which registries do not build with")
        if not re.search(r"^USER 10001:10001$", text, re.MULTILINE) or not re.search(r"^FROM scratch$", text, re.MULTILINE):
            found.append(f"{path.name}: it must run as user 10001, from scratch")
        if not re.search(r"^ENTRYPOINT \[", text, re.MULTILINE) or not re.search(r"^HEALTHCHECK .*CMD \[", text, re.MULTILINE):
            found.append(f"{path.name}: there is no shell to run ENTRYPOINT and HEALTHCHECK")
        wanted = {word for line in re.findall(r"apt-get install(.*?)&&", text, re.DOTALL) for word in re.findall(r"(?<![-\w])[a-z][\w.+-]+", line)}
        lists = " ".join((ROOT / "packages" / name).read_text(encoding="utf-8") for name in ("apt.txt", "apt-test.txt", "apt-node.txt"))
        found += [f"{path.name}: the package {name} is in no list of packages/" for name in wanted if not re.search(rf"^{re.escape(name)}( |$)", lists, re.MULTILINE)]
    ignored = (tree / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if [line for line in ignored if line and not line.startswith("#")][0] != "*":
        found.append(".dockerignore is no allow-list: its first line must be *")
    return found


def workflows_zizmor(tree: pathlib.Path) -> list[str]:
    return _complaints([tool("zizmor"), "--offline", "--quiet", "--no-progress", "--color", "never", tree / ".github"])


def workflows_actionlint(tree: pathlib.Path) -> list[str]:
    if shutil.which("actionlint"):
        program = shutil.which("actionlint")
    elif not shutil.which("go"):
        raise Missing("no actionlint here, and no Go to build it with")
    else:
        code, output = command([ROOT / "tools/dev/go-tool.sh", "actionlint"])
        if code != 0:
            raise Missing(f"actionlint cannot be built: {output[-300:]}")
        program = output.strip().splitlines()[-1]
    found = _complaints([program, "-no-color", "-oneline", "-shellcheck", shutil.which("shellcheck") or "", *sorted((tree / ".github/workflows").glob("*.yml"))])
    for path in (tree / ".github/workflows").glob("*.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses:" in line and not re.search(r"@[0-9a-f]{40} # v\d", line):
                found.append(f"{path.name}: not pinned by commit with its version: {line.strip()}")
    return found


def deploy_workflow(tree: pathlib.Path) -> list[str]:
    """The workflow does what `azd up` does, with what azure.yaml says it needs."""
    workflow = (tree / ".github/workflows/azure-dev.yml").read_text(encoding="utf-8")
    described = yaml.safe_load((tree / "azure.yaml").read_text(encoding="utf-8"))
    steps = re.findall(r"run: azd (provision|deploy --all) --no-prompt", workflow)
    found = [] if steps == [step["azd"] for step in described["workflows"]["up"]["steps"]] else [f"azure-dev.yml does {steps}"]
    found += [f"azure-dev.yml does not pass {name}" for name in described["pipeline"]["secrets"] if f"secrets.{name} " not in workflow]
    found += [f"azure-dev.yml does not pass {name}" for name in described["pipeline"]["variables"] if f"vars.{name} " not in workflow]
    if "id-token: write" not in workflow or "client-secret" in workflow:
        found.append("azure-dev.yml must log in by a federated credential")
    return found


def yaml_style(tree: pathlib.Path) -> list[str]:
    rules = ("{extends: default, rules: {line-length: disable, document-start: disable, truthy: {check-keys: false}, comments: {min-spaces-from-content: 1},"
             " braces: {max-spaces-inside: 1}, brackets: {max-spaces-inside: 1}}}")
    paths = [tree / "azure.yaml", tree / "compose.yaml", tree / "deploy", tree / ".github"]
    return _complaints([tool("yamllint"), "--strict", "--format", "parsable", "--config-data", rules, *paths])


def shell(tree: pathlib.Path) -> list[str]:
    if not shutil.which("shellcheck"):
        raise Missing("no shellcheck here")
    return _complaints(["shellcheck", "--format", "gcc", tree / "docker/rootfs.sh", tree / "infra/hooks/service-token.sh", tree / "tools/dev/go-tool.sh"])


def links(tree: pathlib.Path) -> list[str]:
    pages = [path for path in (tree / "README.md", tree / "docs", tree / "SECURITY.md", tree / "CONTRIBUTING.md", tree / "CHANGELOG.md", tree / "deploy") if path.exists()]
    files = [file for page in pages for file in ([page] if page.is_file() else sorted(page.rglob("*.md")))]
    return _complaints([tool("lychee"), "--offline", "--include-fragments", "--no-progress", "--quiet", *files])


def kubernetes(tree: pathlib.Path) -> list[str]:
    found = []
    for overlay in ("base", "aks"):
        code, output = command([*kustomize(), tree / "deploy/k8s" / overlay])
        if code != 0:
            found.append(f"{overlay}: {output.strip()}")
            continue
        rendered = tree / f"rendered-{overlay}.yaml" if tree != ROOT else ROOT / f"build/rendered-{overlay}.yaml"
        rendered.parent.mkdir(exist_ok=True)
        rendered.write_text(output, encoding="utf-8")
        found += [f"{overlay}: {line}" for line in _complaints([tool("kubernetes-validate"), "--strict", "-k", "1.36", rendered]) if "INFO" not in line]
        found += [f"{overlay}: {what}" for what in _kubernetes_cross(tree, list(yaml.safe_load_all(output)))]
    return found


def kustomize() -> list[str]:
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    # The one of Debian 12 is from before Kustomize knew `labels`.
    if shutil.which("kubectl") and "Kustomize Version: v5" in command(["kubectl", "version", "--client"])[1]:
        return ["kubectl", "kustomize"]
    raise Missing("neither kustomize nor a kubectl with Kustomize 5 is here")


def _kubernetes_cross(tree: pathlib.Path, objects: list[dict]) -> list[str]:
    found = []
    deployments = {thing["metadata"]["name"]: thing for thing in objects if thing["kind"] == "Deployment"}
    if set(deployments) != set(_services(tree)):
        found.append(f"Deployments {sorted(deployments)} are not the services of azure.yaml")
    routes = set(re.findall(r'router\.Add\("GET", "(/[a-z]+)"', (tree / "services/shared/service.cc").read_text(encoding="utf-8")))
    for name, thing in deployments.items():
        container = thing["spec"]["template"]["spec"]["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        port, health = _ports(tree, name)
        if ports.get("health") != health or (name != "checkout" and ports.get("http") != port):
            found.append(f"{name} listens on {ports}, the program on {port} and {health}")
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if container[probe]["httpGet"]["path"] not in routes:
                found.append(f"{name}: {probe} asks {container[probe]['httpGet']['path']}")
        found += [f"{name}: nobody reads {entry['name']}" for entry in container["env"] if entry["name"] not in _known_variables(tree, name)]
        security = container["securityContext"]
        if not security.get("readOnlyRootFilesystem") or security.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{name} is not read-only without capabilities")
    return found


def gallery(tree: pathlib.Path) -> list[str]:
    """The checklist of azd's template gallery, as far as files can show it."""
    wanted = ["README.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", "azure.yaml", "infra/main.bicep",
              ".devcontainer/devcontainer.json", ".github/workflows/azure-dev.yml", ".github/ISSUE_TEMPLATE"]
    found = [f"there is no {name}" for name in wanted if not (tree / name).exists()]
    readme = (tree / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(readme.split("---")[1]) if readme.startswith("---\n") else {}
    found += [f"README.md: no {key} in its front matter" for key in ("page_type", "languages", "products", "urlFragment", "name", "description") if not front.get(key)]
    found += [f"README.md: no heading '{name}'" for name in ("Features", "Getting Started", "Guidance", "Resources", "Important Security Notice")
              if not re.search(rf"^##+ {name}$", readme, re.MULTILINE)]
    devcontainer = tree / ".devcontainer/devcontainer.json"
    if devcontainer.exists():
        try:
            json.loads(re.sub(r"^\s*//.*$", "", devcontainer.read_text(encoding="utf-8"), flags=re.MULTILINE))
        except ValueError as error:
            found.append(f"devcontainer.json: {error}")
    return found
