"""Reads protobuf definitions into plain facts, so that two sets of them can be compared."""

import importlib
from pathlib import Path

import grpc_tools
import nebius.api.nebius as sdk_root
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from grpc_tools import protoc
from nebius.base.protos.dynamic import REGISTRY


def compile_files(root: Path, output: Path) -> list[FileDescriptorProto]:
    """Compiles every `.proto` file below `root`; what they import from elsewhere is left out."""
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    command = ["protoc", f"-I{root}", f"-I{well_known}", f"--descriptor_set_out={output}", *files]
    if protoc.main(command) != 0:
        raise ValueError(f"the definitions in {root} do not compile")
    return list(descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file)


def files_of_sdk() -> list[FileDescriptorProto]:
    """The definitions inside the official SDK. Each of its packages adds its own when it is imported."""
    root = Path(next(iter(sdk_root.__path__)))
    for path in root.rglob("__init__.py"):
        importlib.import_module(".".join((sdk_root.__name__, *path.parent.relative_to(root).parts)))
    return [FileDescriptorProto.FromString(data) for data in REGISTRY._serialized_files.values()]


def facts(files: list[FileDescriptorProto]) -> dict[str, tuple]:
    """What the wire depends on, by the full name of the field, enum value or method."""
    found = {}
    for file in files:
        for message in file.message_type:
            add_message(found, file.package, message)
        for enum in file.enum_type:
            add_enum(found, file.package, enum)
        for service in file.service:
            for method in service.method:
                found[f"{file.package}.{service.name}/{method.name}"] = (
                    ("input", method.input_type),
                    ("output", method.output_type),
                    ("streams", method.client_streaming, method.server_streaming),
                )
    return found


def add_message(found, scope, message):
    name = f"{scope}.{message.name}"
    found[name] = ("message",)
    for field in message.field:
        # A field with `optional` sits in a oneof of its own, which only says so once more.
        in_oneof = field.HasField("oneof_index") and not field.proto3_optional
        found[f"{name}.{field.name}"] = (
            ("number", field.number),
            ("type", FieldDescriptorProto.Type.Name(field.type), field.type_name),
            ("label", FieldDescriptorProto.Label.Name(field.label)),
            ("explicit presence", field.proto3_optional),
            ("oneof", message.oneof_decl[field.oneof_index].name if in_oneof else None),
        )
    for nested in message.nested_type:
        add_message(found, name, nested)
    for enum in message.enum_type:
        add_enum(found, name, enum)


def add_enum(found, scope, enum):
    for value in enum.value:
        found[f"{scope}.{enum.name}:{value.name}"] = (("number", value.number),)


def differences(ours: dict[str, tuple], official: dict[str, tuple]) -> list[str]:
    """Where ours says something else than the official definitions, or something they do not know."""
    lines = []
    for name, fact in ours.items():
        if name not in official:
            lines.append(f"{name}: not in the SDK")
        elif fact != official[name]:
            lines += [
                f"{name}: {mine} here, {theirs} in the SDK"
                for mine, theirs in zip(fact, official[name])
                if mine != theirs
            ]
    # A message may leave fields out, but an enum that lacks a value would read it as another state.
    enums = {name.split(":")[0] for name in ours if ":" in name}
    lines += [
        f"{name}: only in the SDK"
        for name in official
        if ":" in name and name.split(":")[0] in enums and name not in ours
    ]
    return lines
