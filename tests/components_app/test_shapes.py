from __future__ import annotations

from components.shapes import name_shape
from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.introspection import ComponentShape, InterfaceShape, ResourceOrigin
from engine.wit.names import InterfaceName
from engine.wit.types import BorrowType, FunctionType, ListType, OwnType, Param, ResultType, TupleType
from tests.components_app.builders import make_wasm


def shape_of(wasm: bytes) -> ComponentShape:
    return compile_component(WasmEngine.for_process(WasmSettings()), wasm).shape


def test_interfaces_with_full_names_are_kept() -> None:
    shape = name_shape(
        shape_of(make_wasm(exports={"test:a/api@1.2.3": ["run"]}, imports={"test:b/api": ["go"], "test:c/types": []}))
    )

    function = FunctionType((), ResultType())
    assert shape.exports == {InterfaceName.parse("test:a/api@1.2.3"): {"run": function}}
    assert shape.imports == {
        InterfaceName.parse("test:b/api"): {"go": function},
        InterfaceName.parse("test:c/types"): {},
    }
    assert shape.unnamed_imports == ()


def test_exports_without_full_names_are_left_out_and_imports_are_told() -> None:
    shape = name_shape(shape_of(make_wasm(exports={"inline": ["run"]}, imports={"helpers": ["go"]})))

    assert shape.exports == {}
    assert shape.unnamed_imports == ("helpers",)


def test_functions_in_no_interface_are_told_by_their_own_names() -> None:
    bare = InterfaceShape(functions={"one": FunctionType(()), "two": FunctionType(())}, resources={})

    assert name_shape(ComponentShape(imports={"": bare}, exports={"": bare})).unnamed_imports == ("one", "two")


def test_a_resource_that_was_renamed_by_its_user_has_the_name_of_its_declaration() -> None:
    origin = ResourceOrigin(interface="obelisk:types/join-set@5.0.0", name="join-set", is_imported=True)
    functions = {
        "submit": FunctionType((Param("a", BorrowType("js")), Param("b", BorrowType("other")))),
        "create": FunctionType((), ResultType(ListType(TupleType((OwnType("js"),))))),
    }

    shape = name_shape(
        ComponentShape(
            imports={"test:a/api": InterfaceShape(functions=functions, resources={"js": origin})}, exports={}
        )
    )

    assert shape.imports[InterfaceName.parse("test:a/api")] == {
        "submit": FunctionType((Param("a", BorrowType("join-set")), Param("b", BorrowType("other")))),
        "create": FunctionType((), ResultType(ListType(TupleType((OwnType("join-set"),))))),
    }
