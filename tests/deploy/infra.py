#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""infra.py [CHECK…]: the deployment files: nothing is found wrong with them, and each check finds the errors that are planted in a copy."""

import os
import pathlib
import shutil
import sys
import tempfile

from support import ROOT, Checks, copy_tree, replace_in, run, skip_all

_VENV = ROOT / "build/python/bin/python"
if pathlib.Path(sys.prefix) != _VENV.parent.parent and _VENV.exists():
    os.execv(_VENV, [str(_VENV), "-B", *sys.argv])
try:
    import findings
except ImportError as missing:
    skip_all(f"{missing}: ./dev test installs packages/pip into build/python")

_TREE = ["azure.yaml", "compose.yaml", "infra", "docker", "deploy", "docs", ".github", ".devcontainer", ".dockerignore", "README.md", "LICENSE", "SECURITY.md",
         "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", "services"]

# Check, file, text, what is put in its place, and a part of what must then be found.
_PLANTS = [
    (findings.azure_yaml, "azure.yaml", "remoteBuild: true", "remoteBuild: true\n      target: x", "target"),
    (findings.azure_yaml, "azure.yaml", "host: containerapp", "host: containerap", "containerap"),
    (findings.azure_yaml, "azure.yaml", "SERVICE=receipt", "SERVICE=checkout", "SERVICE=receipt"),
    (findings.azure_yaml, "azure.yaml", "language: docker", "language: docker\n    modul: x", "modul"),
    (findings.azure_yaml, "azure.yaml", "      - azd: deploy --all\n      - azd: provision", "      - azd: deploy --all", "second provision"),
    (findings.compose, "compose.yaml", "read_only: true", "readonly: true", "readonly"),
    (findings.compose, "compose.yaml", '"127.0.0.1:${AZMON', '"${AZMON', "open to the network"),
    (findings.compose, "compose.yaml", "      receipt:\n        condition", "      reciept:\n        condition", "reciept"),
    (findings.compose, "compose.yaml", "SERVICE_RECEIPT_API_NAME", "SERVICE_RECIEPT_API_NAME", "nobody reads SERVICE_RECIEPT"),
    (findings.bicep_types, "infra/modules/storage.bicep", "allowSharedKeyAccess", "allowSharedKeysAccess", "has no 'allowSharedKeysAccess'"),
    (findings.bicep_types, "infra/modules/service.bicep", "terminationGracePeriodSeconds", "terminationGraceperiodSeconds", "is written"),
    (findings.bicep_types, "infra/modules/service.bicep", "activeRevisionsMode: 'Single'", "activeRevisionsMode: 'single'", "is none of"),
    (findings.bicep_types, "infra/modules/service.bicep", "storageType: 'EmptyDir'", "storageType: 'EmptyDirectory'", "is none of"),
    (findings.bicep_types, "infra/modules/monitoring.bicep", "retentionInDays: 30", "retentionInDays: '30'", "is a int"),
    (findings.bicep_types, "infra/modules/monitoring.bicep", "!localAuthentication", "!localAuthentification", "is not declared"),
    (findings.bicep_types, "infra/modules/registry.bicep", "guid(", "giud(", "is no function"),
    (findings.bicep_types, "infra/main.bicep", "pullPrincipalId: pull", "pullPrincipal: pull", "has no parameter"),
    (findings.bicep_types, "infra/main.bicep", "healthPort: 9002", "healthPort: '9002'", "is a int"),
    (findings.bicep_types, "infra/main.bicep", "storage.outputs.containerName", "storage.outputs.container", "has no output"),
    (findings.bicep_types, "infra/main.bicep", "  scope: group\n", "", "has no scope"),
    (findings.bicep_types, "infra/modules/identity.bicep", "param tags object", "param tags object\nparam more string", "needs the parameter"),
    (findings.bicep_types, "infra/modules/identity.bicep", "  tags: tags\n", "", "is not used"),
    (findings.bicep_types, "infra/main.bicep", "param dailyQuotaGb int = 1", "param dailyQuotaGb int = '1'", "its default is not"),
    (findings.bicep_types, "infra/main.bicep", "output AZURE_TENANT_ID string =", "output AZURE_TENANT_ID string", "syntax"),
    (findings.bicep_policy, "infra/modules/registry.bicep", "adminUserEnabled: false", "adminUserEnabled: true", "an admin user"),
    (findings.bicep_policy, "infra/modules/storage.bicep", "output containerName string = receipts.name", "output key string = account.listKeys().keys[0].value", "reads keys"),
    (findings.bicep_policy, "infra/modules/storage.bicep", "ba92f5b4-2d11", "ba92f5b4-2d12", "no role that we know"),
    (findings.parameters, "infra/main.parameters.json", '"orderRate"', '"orderRates"', "orderRates"),
    (findings.parameters, "infra/main.parameters.json", "${ORDER_RATE=0.2}", "${ORDERS_RATE=0.2}", "ORDERS_RATE"),
    (findings.parameters, "infra/main.parameters.json", "SERVICE_RECEIPT_RESOURCE_EXISTS", "SERVICE_RECIEPT_RESOURCE_EXISTS", "lose its image"),
    (findings.cross, "infra/modules/service.bicep", "path: '/readyz'", "path: '/ready'", "probe asks /ready"),
    (findings.cross, "infra/main.bicep", "healthPort: 9001", "healthPort: 9011", "HEALTH_PORT=9011"),
    (findings.cross, "infra/main.bicep", "port: 8001", "port: 8081", "its ingress must be internal"),
    (findings.cross, "infra/main.bicep", "'SERVICE_RECEIPT_API_NAME'", "'RECEIPT_URL'", "nobody reads RECEIPT_URL"),
    (findings.cross, "infra/main.bicep", "serviceName: 'receipt'", "serviceName: 'receipts'", "are not the services"),
    (findings.cross, "infra/main.bicep", "var orderProcessorName = 'order", "var orderProcessorName = 'the-order", "breaks @maxLength"),
    (findings.cross, "infra/main.bicep", "orderProcessorIdentity.outputs.clientId", "receiptIdentity.outputs.clientId", "identity of another"),
    (findings.cross, "infra/main.bicep", "writerPrincipalId: receiptIdentity", "writerPrincipalId: checkoutIdentity", "has Storage Blob Data Contributor"),
    (findings.cross, "infra/modules/storage.bicep", "scope: receipts", "scope: account", "has Storage Blob Data Contributor"),
    (findings.cross, "infra/modules/service.bicep", "image: empty(image) ? placeholder : image", "image: placeholder", "replaces its image"),
    (findings.cross, "infra/modules/environment.bicep", "encryption: { enabled: true }", "encryption: { enabled: false }", "not encrypted"),
    (findings.cross, "infra/modules/registry.bicep", "  tags: tags\n", "", "no tag azd-env-name"),
    (findings.cross, "infra/modules/service.bicep", "mountPath: journal", "mountPath: '/data'", "EmptyDir"),
    (findings.dockerfiles, "docker/service.Dockerfile", "FROM ${BASE} AS build", "FROM debian:latest AS build", "DL3007"),
    (findings.dockerfiles, "docker/service.Dockerfile", "RUN cmake", "RUN --mount=type=cache,target=/x cmake", "BuildKit"),
    (findings.dockerfiles, "docker/service.Dockerfile", "USER 10001:10001\n", "", "user 10001"),
    (findings.dockerfiles, "docker/azmon-local.Dockerfile", 'ENTRYPOINT ["/usr/bin/azmon-local", "--host", "0.0.0.0"]', "ENTRYPOINT /usr/bin/azmon-local", "no shell"),
    (findings.dockerfiles, "docker/azmon-local.Dockerfile", "libsqlite3-dev", "libsqlite-dev", "libsqlite-dev is in no list"),
    (findings.dockerfiles, ".dockerignore", "*\n!CMake", "!CMake", "no allow-list"),
    (findings.workflows_zizmor, ".github/workflows/ci.yml", "        with:\n          persist-credentials: false\n", "", "credential"),
    (findings.workflows_zizmor, ".github/workflows/ci.yml", "  pull_request:", "  pull_request_target:", "insecure"),
    (findings.workflows_actionlint, ".github/workflows/ci.yml", "matrix.debian }}-slim", "matrix.debain }}-slim", "debain"),
    (findings.workflows_actionlint, ".github/workflows/azure-dev.yml", "@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4", "not pinned"),
    (findings.deploy_workflow, ".github/workflows/azure-dev.yml", "run: azd deploy --all --no-prompt", "run: azd deploy --no-prompt", "azure-dev.yml does"),
    (findings.deploy_workflow, "azure.yaml", "    - SERVICE_TOKEN_PREVIOUS\n", "    - SERVICE_TOKEN_OLD\n", "does not pass SERVICE_TOKEN_OLD"),
    (findings.yaml_style, "compose.yaml", "  read_only: true\n", "  read_only: true\n  read_only: true\n", "duplication"),
    (findings.shell, "docker/rootfs.sh", 'cp -- "$program"', "cp -- $program", "SC2086"),
    (findings.links, "docs/deploy.md", "(architecture.md#the-life-of-an-order)", "(architecture.md#the-life-of-orders)", "the-life-of-orders"),
    (findings.kubernetes, "deploy/k8s/base/receipt.yaml", "readOnlyRootFilesystem", "readOnlyRootFileSystem", "readOnlyRootFileSystem"),
    (findings.kubernetes, "deploy/k8s/base/receipt.yaml", "containerPort: 9002", "containerPort: 9001", "listens on"),
    (findings.kubernetes, "deploy/k8s/aks/kustomization.yaml", "settings.yaml", "setting.yaml", "setting.yaml"),
    (findings.kubernetes, "deploy/k8s/base/checkout.yaml", "name: ORDER_RATE", "name: ORDERS", "nobody reads ORDERS"),
    (findings.gallery, "README.md", "## Resources", "## Links", "Resources"),
    (findings.gallery, "README.md", "urlFragment", "url", "urlFragment"),
]


def test(checks: Checks):
    functions = [function for function in dict.fromkeys(plant[0] for plant in _PLANTS) if function.__name__ in sys.argv[1:] or len(sys.argv) == 1]
    with tempfile.TemporaryDirectory(prefix="azmon-infra-") as name:
        for number, function in enumerate(functions):
            try:
                found = function(ROOT)
            except findings.Missing as missing:
                checks.skip(function.__name__, str(missing))
                continue
            checks.that(not found, f"{function.__name__}: nothing wrong", "\n        ".join(found[:20]))
            for of, file, old, new, expected in _PLANTS:
                if of is function:
                    tree = copy_tree(pathlib.Path(name) / f"{number}", _TREE)
                    replace_in(tree / file, old, new)
                    found = function(tree)
                    checks.that(any(expected in line for line in found), f"{function.__name__} finds '{expected}' in a copy of {file}",
                                "\n        ".join(found[:10]) or "it found nothing")
                    shutil.rmtree(tree)


if __name__ == "__main__":
    run(test)
