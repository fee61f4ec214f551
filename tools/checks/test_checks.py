"""Feeds bad samples to the checks: each finds what it is there for, and nothing in good ones."""
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_format
import check_includes
import check_sizes
import check_tidy
import check_tree
import source_files


def includes(path, *headers):
    return check_includes.findings_in(Path(path), "".join(f"#include {h}\n" for h in headers))


class Includes(unittest.TestCase):
    def test_upward_is_found(self):
        for path, header in [
                ("protocol/a.hpp", '"ipc/fd.hpp"'), ("ipc/a.cpp", '"models/model.hpp"'),
                ("models/model.cpp", '"ipc/fd.hpp"'), ("models/model.cpp", '"coordinator/a.hpp"'),
                ("device_worker/main.cpp", '"coordinator/a.hpp"'),
                ("tools/tandem/main.cpp", '"models/model.hpp"'),
                ("coordinator/service/a.cpp", '"models/text/clip.hpp"'),
                ("plugin/loading/a.cpp", '"ipc/fd.hpp"'), ("ipc/a.cpp", "<tandem/plugin.hpp>"),
                ("coordinator/sampling/sample.cpp", '"ipc/fd.hpp"')]:
            self.assertEqual(len(includes(path, header)), 1, (path, header))

    def test_downward_is_not(self):
        for path, header in [
                ("ipc/a.cpp", '"protocol/error.hpp"'), ("models/a.cpp", '"models/layers/b.hpp"'),
                ("coordinator/service/a.cpp", '"models/checkpoint/detect.hpp"'),
                ("coordinator/sampling/a.cpp", '"models/prediction/prediction.hpp"'),
                ("device_worker/a.cpp", '"models/model.hpp"'), ("tests/ipc/a.cpp", '"ipc/fd.hpp"'),
                ("tools/tandem/a.cpp", '"tools/client/client.hpp"')]:
            self.assertEqual(includes(path, header), [], (path, header))

    def test_banned(self):
        for path, header in [
                ("models/a.cpp", "<torch/torch.h>"), ("models/a.hpp", "<ATen/ATen.h>"),
                ("ipc/fd.cpp", "<spdlog/spdlog.h>"), ("ipc/fd.cpp", "<ATen/core/Tensor.h>"),
                ("coordinator/workers/a.cpp", "<ATen/ATen.h>"),
                ("protocol/a.hpp", "<cereal/types/memory.hpp>"), ("ipc/a.cpp", "<iostream>"),
                ("protocol/a.hpp", "<cereal/archives/json.hpp>"), ("ipc/a.hpp", "<format>"),
                ("protocol/a.hpp", "<cereal/types/polymorphic.hpp>")]:
            self.assertEqual(len(includes(path, header)), 1, (path, header))
        self.assertEqual(includes("ipc/log.cpp", "<spdlog/spdlog.h>"), [])
        self.assertEqual(includes("models/a.cpp", "<ATen/ATen.h>", "<vector>"), [])

    def test_relative_is_found(self):
        self.assertEqual(len(includes("ipc/a.cpp", '"fd.hpp"')), 1)
        self.assertEqual(includes("plugin/example/a.cpp", '"example.hpp"'), [])


class Sizes(unittest.TestCase):
    @staticmethod
    def function(lines, head="int f(int a)"):
        return f"namespace x {{\n{head} {{\n" + "  g();\n" * (lines - 2) + "}\n}  // namespace x\n"

    def test_long_function(self):
        found = check_sizes.findings_in(Path("ipc/a.cpp"), self.function(81))
        self.assertEqual(found, ["ipc/a.cpp:2: ipc/a.cpp:f has 81 lines, more than 80"])
        self.assertEqual(check_sizes.findings_in(Path("ipc/a.cpp"), self.function(80)), [])

    def test_member_with_initialisers(self):
        text = self.function(90, "Pool::Pool(int a) noexcept : a_{a}, b_(a)")
        self.assertEqual(len(check_sizes.findings_in(Path("ipc/a.cpp"), text)), 1)

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = ('void f() {\n  g("{{{", \'{\');  // {\n  /* { */ h(R"x({{)x", 1\'000);\n}\n'
                'void k() {}\n')
        self.assertEqual([(n, l) for n, _, l in check_sizes.functions(text)], [("f", 4), ("k", 1)])

    def test_class_is_no_function(self):
        text = "class A {\n" + "  int a(int b) { return b; }\n" * 90 + "};\n"
        self.assertEqual({l for _, _, l in check_sizes.functions(text)}, {1})

    def test_long_file(self):
        found = check_sizes.findings_in(Path("ipc/a.hpp"), "int a;\n" * 401)
        self.assertEqual(found, ["ipc/a.hpp:1: ipc/a.hpp has 401 lines, more than 400"])


class Tree(unittest.TestCase):
    def test_readme(self):
        paths = [Path("ipc/fd.cpp"), Path("ipc/README.md"), Path("ipc/memory/memfd.cpp"),
                 Path("models/a/b/c.cpp"), Path("tests/ipc/fd_test.cpp")]
        self.assertEqual(check_tree.missing_readmes(paths),
                         ["models/a/b: has no README.md, nor has the folder above it"])

    def test_todo(self):
        text = "// TODO: x\n// TODO(speed): measure this\n# FIXME later\n"
        self.assertEqual(len(check_tree.untyped_todos(Path("a.cpp"), text)), 2)

    def test_unlisted_source(self):
        paths = [Path("ipc/CMakeLists.txt"), Path("ipc/fd.cpp"), Path("ipc/memory/memfd.cpp"),
                 Path("ipc/old_fd.cpp")]
        found = check_tree.unlisted_sources(paths, lambda p: "SOURCES fd.cpp memory/memfd.cpp")
        self.assertEqual(found, ["ipc/old_fd.cpp: no CMakeLists.txt names this source"])

    def test_namesake_in_another_folder_is_no_listing(self):
        paths = [Path("models/CMakeLists.txt"), Path("models/a/family.cpp"),
                 Path("models/b/family.cpp")]
        found = check_tree.unlisted_sources(paths, lambda p: "SOURCES a/family.cpp")
        self.assertEqual(found, ["models/b/family.cpp: no CMakeLists.txt names this source"])


class Format(unittest.TestCase):
    def test_bad_and_good(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / ".clang-format").write_text((source_files.ROOT / ".clang-format").read_text())
            (root / "ipc").mkdir()
            (root / "ipc/bad.cpp").write_text("int   f( ){return 1 ;}\n")
            (root / "ipc/good.cpp").write_text("int f(int a);\n")
            subprocess.run(["git", "init", "-q", folder], check=True)
            found = check_format.findings(root)
            self.assertEqual(len(found), 1)
            self.assertIn("ipc/bad.cpp", found[0])
            self.assertEqual(check_format.findings(root, fix=True), [])


class Tidy(unittest.TestCase):
    def test_diagnostics_are_read(self):
        text = ("/src/ipc/fd.cpp:12:3: error: use nullptr [modernize-use-nullptr]\n"
                "  int* p = 0;\n/src/ipc/fd.hpp:7:1: note: declared here\n")
        found = [match.groups() for match in check_tidy.DIAGNOSTIC.finditer(text)]
        self.assertEqual(found,
                         [("/src/ipc/fd.cpp", "12", "3", "use nullptr [modernize-use-nullptr]")])

    def test_budget(self):
        costs = {"cheap.cpp": 1, **{f"torch{n}.cpp": check_tidy.TORCH_COST for n in range(99)}}
        files = check_tidy.within_budget(costs)
        self.assertEqual(files[0], "cheap.cpp")
        self.assertLessEqual(sum(costs[f] for f in files), check_tidy.BUDGET)
        self.assertEqual(check_tidy.within_budget({"a.cpp": 1, "b.cpp": 5}), ["a.cpp", "b.cpp"])


if __name__ == "__main__":
    unittest.main()
