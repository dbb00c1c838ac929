# SPDX-License-Identifier: MIT
"""What a deployment of Bicep files would ask Azure Resource Manager for: every resource with its values, every output.

What only Azure knows (a client id, a connection string, the image that runs) comes from a `World` that the caller fills.
"""

import base64
import dataclasses
import hashlib
import json
import pathlib
import uuid
from typing import Any, Callable

from .parse import File, Node, Resource, key_of, literal, properties, text

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
TENANT = "00000000-0000-4000-8000-000000000002"


class EvaluationError(Exception):
    pass


@dataclasses.dataclass
class Deployed:
    symbol: str
    type: str
    api_version: str
    name: str
    id: str
    body: dict


# From type, name and body to the `properties` that Azure would answer with.
World = Callable[[str, str, dict], dict]


@dataclasses.dataclass
class Deployment:
    resources: list[Deployed]
    outputs: dict[str, Any]

    def of_type(self, type_name: str) -> list[Deployed]:
        return [resource for resource in self.resources if resource.type == type_name]


def evaluate(main: pathlib.Path, parameters: dict[str, Any], world: World) -> Deployment:
    """@param parameters  of main; those with a default may be left out. Raises EvaluationError."""
    resources: list[Deployed] = []
    outputs = _Evaluation(File(main), parameters, world, f"/subscriptions/{SUBSCRIPTION}", resources).run()
    return Deployment(resources, outputs)


def unique_string(*seeds: str) -> str:
    """13 characters of a-z2-7 as Azure's function makes; not the same ones."""
    return base64.b32encode(hashlib.sha256("\0".join(seeds).encode()).digest()).decode().lower()[:13]


class _Evaluation:
    """One file with its parameters."""

    def __init__(self, file: File, parameters: dict[str, Any], world: World, scope: str, resources: list[Deployed]):
        if file.errors:
            raise EvaluationError(f"{file.path.name}: {file.errors[0]}")
        self.file, self.given, self.world, self.scope, self.resources = file, parameters, world, scope, resources
        self.values: dict[str, Any] = {}
        unknown = set(parameters) - set(file.parameters)
        if unknown:
            raise EvaluationError(f"{file.path.name} has no parameter {', '.join(sorted(unknown))}")
        for name in file.parameters:
            self._check_parameter(name, self.value_of(name))

    def run(self) -> dict[str, Any]:
        for name in (*self.file.resources, *self.file.modules):
            self.value_of(name)
        return {name: self.evaluate(output.value, {}) for name, output in self.file.outputs.items()}

    # ---- names

    def value_of(self, name: str) -> Any:
        if name not in self.values:
            self.values[name] = None  # a cycle finds this
            self.values[name] = self._make(name)
        return self.values[name]

    def _make(self, name: str) -> Any:
        file = self.file
        if name in file.parameters:
            if name in self.given:
                return self.given[name]
            if file.parameters[name].default is None:
                raise EvaluationError(f"{file.path.name} needs the parameter {name}")
            return self.evaluate(file.parameters[name].default, {})
        if name in file.variables:
            return self.evaluate(file.variables[name].value, {})
        if name in file.resources:
            return self._each(file.resources[name], self._resource)
        if name in file.modules:
            return self._each(file.modules[name], self._module)
        raise EvaluationError(f"{file.path.name}: {name} is not declared")

    def _check_parameter(self, name: str, value: Any):
        parameter = self.file.parameters[name]
        kinds = {"string": str, "int": int, "bool": bool, "object": dict, "array": list}
        if not isinstance(value, kinds[parameter.type]) or (parameter.type == "int" and isinstance(value, bool)):
            raise EvaluationError(f"{self.file.path.name}: {name} is a {parameter.type}, not {value!r}")
        for decorator, good in (("minLength", lambda limit: len(value) >= limit), ("maxLength", lambda limit: len(value) <= limit)):
            if decorator in parameter.decorators and not good(int(text(parameter.decorators[decorator][0]))):
                raise EvaluationError(f"{self.file.path.name}: {name}={value!r} breaks @{decorator}")

    def _each(self, resource: Resource, make) -> Any:
        if resource.loop is None:
            return make(resource, {})
        variable, over = resource.loop
        return [make(resource, {variable: element}) for element in self.evaluate(over, {})]

    # ---- resources and modules

    def _resource(self, resource: Resource, variables: dict[str, Any]) -> dict | None:
        if resource.condition is not None and not self.evaluate(resource.condition, variables):
            return None
        body = self.evaluate(resource.body, variables)
        type_name, version = resource.type.split("@")
        parent, scope = body.pop("parent", None), body.pop("scope", None)
        if parent is not None:
            body["name"] = f"{parent['_name']}/{body['name']}"
        short = type_name.split("/")
        if type_name == "Microsoft.Resources/resourceGroups":
            identity = f"{self.scope}/resourceGroups/{body['name']}"
        else:
            names = body["name"].split("/")
            path = "".join(f"/{kind}/{part}" for kind, part in zip(short[1:], names))
            identity = f"{scope['id'] if scope else self.scope}/providers/{short[0]}{path}"
        if not resource.existing:
            self.resources.append(Deployed(resource.name, type_name, version, body["name"], identity, body))
        answered = self.world(type_name, body["name"], body)
        return body | {"properties": body.get("properties", {}) | answered, "id": identity, "type": type_name, "_name": body["name"],
                       "name": body["name"].split("/")[-1]}

    def _module(self, module: Resource, variables: dict[str, Any]) -> dict | None:
        if module.condition is not None and not self.evaluate(module.condition, variables):
            return None
        body = self.evaluate(module.body, variables)
        scope = body["scope"]["id"] if "scope" in body else self.scope
        target = File((self.file.path.parent / module.type).resolve())
        return {"outputs": _Evaluation(target, body.get("params", {}), self.world, scope, self.resources).run()}

    # ---- expressions

    def evaluate(self, node: Node, variables: dict[str, Any]) -> Any:
        kind = node.type
        if kind == "string":
            return self._string(node, variables)
        if kind == "number":
            return int(text(node))
        if kind == "boolean":
            return text(node) == "true"
        if kind == "null":
            return None
        if kind == "identifier":
            return variables[text(node)] if text(node) in variables else self.value_of(text(node))
        if kind == "object":
            return {self._key(key, variables): self.evaluate(value, variables) for key, value in properties(node)}
        if kind == "array":
            return [self.evaluate(element, variables) for element in node.named_children if element.type != "comment"]
        if kind == "parenthesized_expression":
            return self.evaluate(node.named_children[0], variables)
        if kind == "ternary_expression":
            branch = "consequence" if self.evaluate(node.child_by_field_name("condition"), variables) else "alternative"
            return self.evaluate(node.child_by_field_name(branch), variables)
        if kind == "unary_expression":
            value = self.evaluate(node.child_by_field_name("argument"), variables)
            return not value if text(node).startswith("!") else -value
        if kind == "binary_expression":
            return self._binary(node, variables)
        if kind == "member_expression":
            return self._member(self.evaluate(node.child_by_field_name("object"), variables), text(node.child_by_field_name("property")), node)
        if kind == "subscript_expression":
            return self.evaluate(node.child_by_field_name("object"), variables)[self.evaluate(node.child_by_field_name("index"), variables)]
        if kind == "call_expression":
            return self._call(node, variables)
        raise EvaluationError(f"{self.file.path.name}: cannot evaluate {kind}: {text(node)[:60]}")

    def _key(self, node: Node, variables: dict[str, Any]) -> str:
        return self._string(node, variables) if node.type == "string" else key_of(node)

    def _string(self, node: Node, variables: dict[str, Any]) -> str:
        plain = literal(node)
        if plain is not None:
            return plain
        out = ""
        for child in node.named_children:
            out += text(child) if child.type == "string_content" else str(self.evaluate(child.named_children[0], variables))
        return out

    def _member(self, value: Any, name: str, node: Node) -> Any:
        if not isinstance(value, dict) or name not in value:
            raise EvaluationError(f"{self.file.path.name}: {text(node)}: there is no '{name}'")
        return value[name]

    def _binary(self, node: Node, variables: dict[str, Any]) -> Any:
        operator = next(text(child) for child in node.children if not child.is_named)
        left = self.evaluate(node.named_children[0], variables)
        if operator == "&&":
            return left and self.evaluate(node.named_children[1], variables)
        if operator == "||":
            return left or self.evaluate(node.named_children[1], variables)
        if operator == "??":
            return left if left is not None else self.evaluate(node.named_children[1], variables)
        right = self.evaluate(node.named_children[1], variables)
        return {"==": lambda: left == right, "!=": lambda: left != right, "<": lambda: left < right, ">": lambda: left > right,
                "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}[operator]()

    def _call(self, node: Node, variables: dict[str, Any]) -> Any:
        name = text(node.child_by_field_name("function"))
        arguments = [self.evaluate(argument, variables) for argument in node.child_by_field_name("arguments").named_children]
        functions: dict[str, Callable[..., Any]] = {
            "concat": lambda *parts: sum(parts, []) if isinstance(parts[0], list) else "".join(parts),
            "contains": lambda whole, part: part in whole,
            "empty": lambda value: not value,
            "endsWith": str.endswith,
            "guid": lambda *seeds: str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(seeds))),
            "int": int,
            "json": json.loads,
            "length": len,
            "resourceGroup": lambda: {"id": self.scope, "name": self.scope.split("/")[-1]},
            "startsWith": str.startswith,
            "string": lambda value: value if isinstance(value, str) else json.dumps(value),
            "subscription": lambda: {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT},
            "subscriptionResourceId": lambda type_name, resource: f"/subscriptions/{SUBSCRIPTION}/providers/{type_name}/{resource}",
            "tenant": lambda: {"tenantId": TENANT},
            "toLower": str.lower,
            "union": lambda *parts: {key: value for part in parts for key, value in part.items()},
            "uniqueString": unique_string,
        }
        if name not in functions:
            raise EvaluationError(f"{self.file.path.name}: cannot evaluate {name}()")
        return functions[name](*arguments)


def settings_of(app: Deployed, secrets: bool = True) -> dict[str, str]:
    """The environment that a container app gives its first container."""
    values = {secret["name"]: secret["value"] for secret in app.body["properties"]["configuration"]["secrets"]}
    found = {}
    for entry in app.body["properties"]["template"]["containers"][0]["env"]:
        found[entry["name"]] = entry["value"] if "value" in entry else (values[entry["secretRef"]] if secrets else "")
    return found


def parameter_types(main: pathlib.Path) -> dict[str, tuple[str, bool, bool]]:
    """Name → type, whether it has a default, whether it is secure."""
    return {name: (parameter.type, parameter.default is not None, "secure" in parameter.decorators)
            for name, parameter in File(main).parameters.items()}


__all__ = ["Deployed", "Deployment", "EvaluationError", "evaluate", "parameter_types", "settings_of", "unique_string", "SUBSCRIPTION", "TENANT"]
