# SPDX-License-Identifier: MIT
"""A Bicep file as its declarations."""

import dataclasses
import pathlib

import tree_sitter
import tree_sitter_bicep

_LANGUAGE = tree_sitter.Language(tree_sitter_bicep.language())
Node = tree_sitter.Node


@dataclasses.dataclass
class Parameter:
    name: str
    type: str
    default: Node | None
    decorators: dict[str, list[Node]]
    node: Node


@dataclasses.dataclass
class Resource:
    name: str
    type: str        # "Microsoft.App/containerApps@2026-01-01"; of a module: its path
    body: Node       # the object
    condition: Node | None
    loop: tuple[str, Node] | None  # variable, what it runs over
    existing: bool
    node: Node


@dataclasses.dataclass
class Declared:
    name: str
    type: str
    value: Node
    node: Node


class File:
    """Parses; what the grammar does not know is in `errors`, as (line, text)."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.errors: list[tuple[int, str]] = []
        self.scope = "resourceGroup"
        self.parameters: dict[str, Parameter] = {}
        self.variables: dict[str, Declared] = {}
        self.outputs: dict[str, Declared] = {}
        self.resources: dict[str, Resource] = {}
        self.modules: dict[str, Resource] = {}
        self.root = tree_sitter.Parser(_LANGUAGE).parse(self.text.encode()).root_node
        self._find_errors(self.root)
        decorators: dict[str, list[Node]] = {}
        for node in self.root.named_children:
            if node.type == "decorators":
                decorators = dict(_decorator(child) for child in node.named_children)
                continue
            if node.type != "comment":
                self._declare(node, decorators)
                decorators = {}

    def names(self) -> set[str]:
        return {*self.parameters, *self.variables, *self.resources, *self.modules}

    def _find_errors(self, node: Node):
        if node.type == "ERROR" or node.is_missing:
            self.errors.append((line(node), f"syntax error near '{text(node)[:40]}'"))
        # The grammar reads `a ? b : c.d` as `(a ? b : c).d`, the language as `a ? b : (c.d)`.
        if node.type in ("member_expression", "subscript_expression") and node.child_by_field_name("object").type == "ternary_expression":
            self.errors.append((line(node), "put what follows ':' in parentheses: the parser used here misreads it"))
        for child in node.children:
            self._find_errors(child)

    def _declare(self, node: Node, decorators: dict[str, list[Node]]):
        parts = [child for child in node.named_children if child.type != "comment"]
        if node.type == "target_scope_assignment":
            self.scope = text(parts[0]).strip("'")
        elif node.type == "parameter_declaration":
            default = parts[2] if len(parts) > 2 else None
            self.parameters[text(parts[0])] = Parameter(text(parts[0]), text(parts[1]), default, decorators, node)
        elif node.type == "variable_declaration":
            self.variables[text(parts[0])] = Declared(text(parts[0]), "", parts[1], node)
        elif node.type == "output_declaration":
            self.outputs[text(parts[0])] = Declared(text(parts[0]), text(parts[1]), parts[2], node)
        elif node.type in ("resource_declaration", "module_declaration"):
            found = _resource(node, parts)
            (self.resources if node.type == "resource_declaration" else self.modules)[found.name] = found
        elif node.type not in ("diagnostic_comment", "pragma", "ERROR"):
            self.errors.append((line(node), f"'{node.type}' is not part of the dialect that is checked here"))


def _resource(node: Node, parts: list[Node]) -> Resource:
    body, condition, loop = parts[-1], None, None
    if body.type == "for_statement":
        variable, over = [child for child in body.named_children if child.type != "object"][:2]
        loop, body = (text(variable), over), body.child_by_field_name("body")
    if body.type == "if_statement":
        condition, body = body.named_children[0], body.named_children[-1]
    existing = any(child.type == "existing" or text(child) == "existing" for child in node.children)
    return Resource(text(parts[0]), literal(parts[1]) or "", body, condition, loop, existing, node)


def _decorator(node: Node) -> tuple[str, list[Node]]:
    call = node.named_children[0]
    arguments = call.child_by_field_name("arguments")
    return text(call.child_by_field_name("function")), list(arguments.named_children) if arguments else []


def text(node: Node) -> str:
    return node.text.decode()


def line(node: Node) -> int:
    return node.start_point[0] + 1


def literal(node: Node) -> str | None:
    """The value of a string without interpolation."""
    if node.type != "string" or any(child.type == "interpolation" for child in node.named_children):
        return None
    return text(node)[1:-1].replace("\\'", "'").replace("\\\\", "\\")


def properties(node: Node) -> list[tuple[Node, Node]]:
    """Key and value of each member of an object."""
    return [tuple(child for child in member.named_children if child.type != "comment")[:2]
            for member in node.named_children if member.type == "object_property"]


def key_of(node: Node) -> str | None:
    """A member's name; None where it is computed."""
    return literal(node) if node.type == "string" else text(node)


def member(node: Node, name: str) -> Node | None:
    return next((value for key, value in properties(node) if key_of(key) == name), None)
