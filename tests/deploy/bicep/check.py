# SPDX-License-Identifier: MIT
"""Finds in Bicep files what the compiler would find: syntax, unknown names, properties that the resource type does not have, wrong kinds.

The shapes (data/arm-shapes.json) are distilled from the public type data of Azure Resource Manager: k = kind (obj, arr, enum, str, int,
bool, any), p = members, i = element, v = values, req = required, ro = read-only, extra = what other members look like.
"""

import pathlib

from .parse import File, Node, Resource, key_of, line, literal, member, properties, text

FUNCTIONS = {
    "any", "array", "concat", "contains", "deployment", "empty", "endsWith", "environment", "filter", "first", "format", "guid", "int", "intersection",
    "items", "join", "json", "last", "length", "loadTextContent", "map", "max", "min", "newGuid", "padLeft", "range", "reduce", "replace",
    "resourceGroup", "resourceId", "skip", "split", "startsWith", "string", "subscription", "subscriptionResourceId", "substring", "take", "tenant",
    "toLower", "toUpper", "trim", "union", "uniqueString", "uri", "utcNow"}
DECORATORS = {"description": None, "secure": ("string", "object"), "minLength": ("string", "array"), "maxLength": ("string", "array"),
              "allowed": None, "minValue": ("int",), "maxValue": ("int",), "metadata": None}
# What every resource may have beside its own properties.
_EVERYWHERE = {"type": {"k": "any"}, "apiVersion": {"k": "any"}, "id": {"k": "any", "ro": 1}, "dependsOn": {"k": "any"}, "scope": {"k": "any"},
               "parent": {"k": "any"}}
_LITERAL_KINDS = {"string": "str", "number": "int", "boolean": "bool", "object": "obj", "array": "arr"}
_PARAMETER_KINDS = {"str": "string", "int": "int", "bool": "bool", "obj": "object", "arr": "array"}


class Checker:
    """Checks a folder of Bicep files; findings are lines `file:line: what`."""

    def __init__(self, shapes: dict, root: pathlib.Path):
        self.root, self.findings = root, []
        self._shapes = {name.lower(): shape for name, shape in shapes.items()}
        self.files = {path: File(path) for path in sorted(root.rglob("*.bicep"))}
        self.resources = self.modules = 0

    def run(self) -> list[str]:
        for file in self.files.values():
            for number, what in file.errors:
                self.findings.append(f"{file.path.relative_to(self.root)}:{number}: {what}")
            self._check_names(file)
            self._check_decorators(file)
            for resource in file.resources.values():
                self.resources += 1
                self._check_resource(file, resource)
            for module in file.modules.values():
                self.modules += 1
                self._check_module(file, module)
        return self.findings

    def _tell(self, file: File, node: Node, what: str):
        self.findings.append(f"{file.path.relative_to(self.root)}:{line(node)}: {what}")

    # ---- names

    def _check_names(self, file: File):
        used: set[str] = set()
        self._walk(file, file.root, file.names(), used)
        for kind, declared in (("parameter", file.parameters), ("variable", file.variables)):
            for name, what in declared.items():
                if name not in used:
                    self._tell(file, what.node, f"{kind} '{name}' is not used")
        self._check_outputs_of_modules(file, file.root)

    def _walk(self, file: File, node: Node, known: set[str], used: set[str]):
        """Every identifier must be a declared name, a variable of its loop or lambda, or a function where one is called."""
        if node.type in ("type", "decorators", "comment", "target_scope_assignment"):
            return
        if node.type == "identifier":
            name = text(node)
            used.add(name)
            if name not in known:
                self._tell(file, node, f"'{name}' is not declared")
            return
        if node.type == "call_expression":
            function = node.child_by_field_name("function")
            if function.type == "identifier":
                if text(function) not in FUNCTIONS:
                    self._tell(file, function, f"'{text(function)}' is no function")
            else:
                self._walk(file, function, known, used)
            self._walk(file, node.child_by_field_name("arguments"), known, used)
            return
        children = list(node.named_children)
        if node.type.endswith("_declaration"):
            children = children[1:]  # its own name
        elif node.type == "object_property" and children and children[0].type == "identifier":
            children = children[1:]
        elif node.type == "for_statement":
            known = known | {text(children[0])}
            children = children[1:]
        elif node.type == "lambda_expression":
            known = known | {text(child) for child in children[:-1] for child in ([child] if child.type == "identifier" else child.named_children)}
            children = children[-1:]
        for child in children:
            self._walk(file, child, known, used)

    def _check_outputs_of_modules(self, file: File, node: Node):
        if node.type == "member_expression":
            inner = node.child_by_field_name("object")
            if inner is not None and inner.type == "member_expression" and text(inner).replace("!", "").endswith(".outputs"):
                name = text(inner).replace("!", "").removesuffix(".outputs")
                if name in file.modules and (target := self._target(file, file.modules[name])) is not None:
                    wanted = text(node.child_by_field_name("property"))
                    if wanted not in target.outputs:
                        self._tell(file, node, f"module '{name}' has no output '{wanted}'")
        for child in node.named_children:
            self._check_outputs_of_modules(file, child)

    def _check_decorators(self, file: File):
        for parameter in file.parameters.values():
            for name in parameter.decorators:
                if name not in DECORATORS:
                    self._tell(file, parameter.node, f"'@{name}' is no decorator")
                elif DECORATORS[name] and parameter.type not in DECORATORS[name]:
                    self._tell(file, parameter.node, f"'@{name}' does not go with {parameter.type}")
            kind = _LITERAL_KINDS.get(parameter.default.type) if parameter.default is not None else None
            if kind and _PARAMETER_KINDS[kind] != parameter.type:
                self._tell(file, parameter.node, f"parameter '{parameter.name}' is a {parameter.type}, its default is not")

    # ---- modules

    def _target(self, file: File, module: Resource) -> File | None:
        return self.files.get((file.path.parent / module.type).resolve()) or self.files.get(file.path.parent / module.type)

    def _check_module(self, file: File, module: Resource):
        target = self._target(file, module)
        if target is None:
            self._tell(file, module.node, f"there is no module '{module.type}'")
            return
        if file.scope == "subscription" and member(module.body, "scope") is None:
            self._tell(file, module.node, f"module '{module.name}' has no scope, and the file's is the subscription")
        given_node = member(module.body, "params")
        given = {key_of(key): value for key, value in properties(given_node)} if given_node is not None else {}
        for name, value in given.items():
            parameter = target.parameters.get(name)
            if parameter is None:
                self._tell(file, value, f"module '{module.type}' has no parameter '{name}'")
                continue
            kind = self._kind(file, value)
            if kind and _PARAMETER_KINDS.get(kind) != parameter.type:
                self._tell(file, value, f"parameter '{name}' of '{module.type}' is a {parameter.type}")
        for name, parameter in target.parameters.items():
            if name not in given and parameter.default is None:
                self._tell(file, module.node, f"module '{module.type}' needs the parameter '{name}'")

    def _kind(self, file: File, node: Node) -> str | None:
        """What kind of value an expression surely has."""
        if node.type in _LITERAL_KINDS:
            return _LITERAL_KINDS[node.type]
        if node.type == "identifier":
            if (parameter := file.parameters.get(text(node))) is not None:
                return {kind: name for name, kind in _PARAMETER_KINDS.items()}.get(parameter.type)
            if (variable := file.variables.get(text(node))) is not None:
                return self._kind(file, variable.value)
        if node.type == "member_expression":
            words = text(node).replace("!", "").split(".")
            if len(words) == 3 and words[1] == "outputs" and words[0] in file.modules:
                target = self._target(file, file.modules[words[0]])
                output = target.outputs.get(words[2]) if target else None
                return {kind: name for name, kind in _PARAMETER_KINDS.items()}.get(output.type) if output else None
        return None

    # ---- resource types

    def _check_resource(self, file: File, resource: Resource):
        shape = self._shapes.get(resource.type.lower())
        if shape is None:
            self._tell(file, resource.node, f"no shape of '{resource.type}': a misspelt type or version, or one to add to data/arm-shapes.json")
        elif not resource.existing:
            self._check_value(file, resource.body, shape | {"p": shape["p"] | _EVERYWHERE}, resource.type.split("@")[0].split("/")[-1])

    def _check_value(self, file: File, node: Node, shape: dict, where: str):
        kind = shape["k"]
        if node.type == "ternary_expression":
            self._check_value(file, node.child_by_field_name("consequence"), shape, where)
            self._check_value(file, node.child_by_field_name("alternative"), shape, where)
        elif node.type == "parenthesized_expression":
            self._check_value(file, node.named_children[0], shape, where)
        elif node.type == "identifier" and (variable := file.variables.get(text(node))) is not None:
            self._check_value(file, variable.value, shape, where)
        elif node.type == "call_expression" and kind == "arr" and text(node.child_by_field_name("function")) == "concat":
            for part in node.child_by_field_name("arguments").named_children:
                self._check_value(file, part, shape, where)
        elif kind == "obj" and node.type == "object":
            self._check_object(file, node, shape, where)
        elif kind == "arr" and node.type == "array":
            for element in node.named_children:
                if element.type != "comment":
                    self._check_value(file, element, shape["i"], f"{where}[]")
        elif kind == "enum" and (value := literal(node)) is not None:
            if value not in shape["v"]:
                self._tell(file, node, f"'{where}': '{value}' is none of {', '.join(shape['v'])}")
        elif kind in ("obj", "arr", "str", "int", "bool"):
            found = self._kind(file, node)
            if found and found != kind:
                self._tell(file, node, f"'{where}' is a {_PARAMETER_KINDS[kind]}, not a {_PARAMETER_KINDS[found]}")

    def _check_object(self, file: File, node: Node, shape: dict, where: str):
        seen = set()
        for key_node, value in properties(node):
            key = key_of(key_node)
            if key is None or key not in shape["p"]:
                near = next((name for name in shape["p"] if key and name.lower() == key.lower()), None)
                if near:
                    self._tell(file, key_node, f"'{where}.{key}' is written '{near}'")
                elif "extra" in shape:
                    self._check_value(file, value, shape["extra"], f"{where}.{key}")
                else:
                    self._tell(file, key_node, f"'{where}' has no '{key}'")
                continue
            seen.add(key)
            if shape["p"][key].get("ro"):
                self._tell(file, key_node, f"'{where}.{key}' is read-only")
            else:
                self._check_value(file, value, shape["p"][key], f"{where}.{key}")
        for name, of in shape["p"].items():
            if of.get("req") and name not in seen and not of.get("ro"):
                self._tell(file, node, f"'{where}' needs '{name}'")
