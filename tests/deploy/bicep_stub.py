#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands where azd expects the Bicep compiler: prints the parameters and outputs of a file as a template. Its resources are a placeholder: the
other end, fake_azure.py, evaluates the Bicep files themselves."""

import json
import pathlib
import sys

from bicep.parse import File, literal, text

_TYPES = {"string": "string", "int": "int", "bool": "bool", "object": "object", "array": "array"}


def template(path: pathlib.Path) -> dict:
    file = File(path)
    parameters = {}
    for name, parameter in file.parameters.items():
        secure = "secure" in parameter.decorators
        entry = parameters[name] = {"type": f"secure{_TYPES[parameter.type]}" if secure else _TYPES[parameter.type]}
        if parameter.default is not None:
            plain = literal(parameter.default)
            entry["defaultValue"] = plain if plain is not None else json.loads(text(parameter.default))
        for limit in ("minLength", "maxLength"):
            if limit in parameter.decorators:
                entry[limit] = int(text(parameter.decorators[limit][0]))
    return {"$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#", "contentVersion": "1.0.0.0",
            "parameters": parameters, "outputs": {name: {"type": "string", "value": ""} for name in file.outputs},
            "resources": [{"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2025-04-01", "name": "placeholder", "location": "westeurope"}]}


if __name__ == "__main__":
    if "--version" in sys.argv:
        print("Bicep CLI version 0.45.15 (rehearsal)")
    else:
        print(json.dumps(template(pathlib.Path(next(word for word in sys.argv[1:] if word.endswith(".bicep"))))))
