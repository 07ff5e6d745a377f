from __future__ import annotations

from pathlib import Path

import pytest

from obelisk.client.wit_packages import COMPONENT_TYPES, dependency_files, split_packages, support_files

ROOT = Path(__file__).parents[3]
TEXT = """package root:interfaces;

package a:b@1.0.0 {
  interface c {
    record point {
      x: u32,
    }

    f: func() -> point;
  }
}

package obelisk:types@5.0.0 {
  interface time {
  }
}
"""
A = "package a:b@1.0.0;\n\ninterface c {\n  record point {\n    x: u32,\n  }\n\n  f: func() -> point;\n}\n"


def test_each_package_is_a_text_but_for_obelisk_s_own() -> None:
    assert split_packages(TEXT) == {"a:b@1.0.0": A}


def test_a_package_does_not_depend_on_itself(tmp_path: Path) -> None:
    (tmp_path / "world.wit").write_text("package a:b@1.0.0;\n\nworld root {}\n")

    files = dependency_files({"a:b@1.0.0": A, "a:c": "package a:c;\n"}, tmp_path / "deps")

    assert files == {"a_c/package.wit": b"package a:c;\n"}


@pytest.mark.parametrize("component_type", COMPONENT_TYPES)
def test_the_packages_are_those_that_the_components_here_are_built_with(component_type: str) -> None:
    built_with = [ROOT / "examples" / "wit" / "deps", ROOT / "tests" / "components" / "wit" / "deps"]

    for path, content in support_files(component_type).items():
        assert content in [(deps / path).read_bytes() for deps in built_with if (deps / path).exists()], path
