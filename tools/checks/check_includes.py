"""Who includes whom: dependencies point downwards only, and some headers are banned."""
import fnmatch
import re
from pathlib import Path

import source_files

# A file may include its own folder and what the first row whose pattern matches its path names.
# A pattern that names one header or one folder is an exception on purpose.
RULES = [
    ("protocol/*", []),
    ("ipc/*", ["protocol/*"]),
    ("models/*", ["protocol/*"]),
    ("plugin/loading/*", ["protocol/*"]),
    # The mathematics of sampling: torch on the CPU, no process and no socket.
    ("coordinator/sampling/*", ["protocol/*", "coordinator/conditioning/*", "coordinator/units/*",
                                "models/prediction/*", "models/tensor/*"]),
    ("coordinator/conditioning/*", ["protocol/*", "coordinator/sampling/*", "coordinator/units/*",
                                    "models/prediction/*", "models/tensor/*"]),
    ("coordinator/units/*", ["protocol/*", "coordinator/conditioning/*", "coordinator/sampling/*",
                             "models/prediction/*", "models/tensor/*"]),
    # Detection reads a checkpoint's header only, so a job is refused before a worker sees it.
    ("coordinator/*", ["protocol/*", "ipc/*", "coordinator/*", "models/checkpoint/*",
                       "models/families/famil*.hpp", "models/patches/*names.hpp",
                       "models/compute_type.hpp", "models/prediction/*", "models/tensor/*",
                       "models/text/embedding_words.hpp", "plugin/loading/*"]),
    ("device_worker/*", ["protocol/*", "ipc/*", "models/*", "plugin/loading/*"]),
    ("tools/*", ["protocol/*", "ipc/*", "tools/*"]),
    ("tests/*", ["*"]),
]

# What is built without torch: for the launcher, and so that the sanitizers see all of it.
TORCH_FREE = ["protocol/*", "ipc/*", "plugin/*", "tools/*", "coordinator/config/*", "coordinator/service/*", "coordinator/workers/*",
              "coordinator/dispatch/*", "models/checkpoint/*detect*", "models/checkpoint/*file*",
              "models/compute_type.*", "models/families/families.*", "models/families/*/family.*",
              "models/patches/*keys*", "models/patches/*names*"]
TORCH = ["ATen/*", "c10/*", "torch/*"]

# (header, where it is allowed, why it is banned elsewhere)
BANNED = [
    ("torch/torch.h", [], "it drags in all of torch's Python-like front end; use <ATen/ATen.h>"),
    ("torch/library.h", ["models/layers/geglu.cpp", "models/layers/group_norm.cpp", "device_worker/cuda/*.cpp"],
     "it registers operators; only those that a back end has a kernel of its own for are operators"),
    ("torch/*", ["models/layers/geglu.cpp", "models/layers/group_norm.cpp", "device_worker/cuda/*.cpp"],
     "models are built on ATen alone"),
    ("ATen/ATen.h", ["*.cpp"], "headers use <ATen/core/Tensor.h>; the rest is precompiled"),
    ("spdlog/*", ["ipc/log.cpp"], "torch ships another fmt; logging goes through ipc/log.hpp"),
    ("fmt/*", ["ipc/log.cpp"], "torch ships another fmt"),
    ("cereal/types/polymorphic.hpp", [], "type confusion from outside"),
    ("cereal/types/memory.hpp", [], "shared pointers in an archive let a peer choose the graph"),
    ("cereal/archives/*", ["protocol/bounded_archive.*"], "only the bounded archive reads a peer"),
    ("cereal/external/*", [], "JSON is Boost.JSON, XML is not spoken"),
    ("tandem/*", ["plugin/*", "tests/plugin/*", "coordinator/execution/*", "device_worker/*"],
     "the rest knows plug-ins by their names"),
    ("iostream", ["*main.cpp", "tools/*", "tests/*"], "libraries throw or log, they do not print"),
    ("format", [], "GCC 12 has no <format>"),
    ("expected", [], "GCC 12 has no std::expected in C++20"),
    ("print", [], "GCC 12 has no <print>"),
]

# A project of its own, as somebody else would have it: its headers lie beside its sources.
STANDALONE = ["plugin/example/*"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def allowed(path, header):
    """Whether the file at `path` may include the project's own `header`."""
    for pattern, targets in RULES:
        if fnmatch.fnmatch(str(path), pattern):
            own = str(Path(pattern).parent) + "/*"
            return any(fnmatch.fnmatch(header, t) for t in [own, *targets])
    return False


def banned(path, header):
    """Why the file may not include this header, or None."""
    if (any(fnmatch.fnmatch(header, t) for t in TORCH)
            and any(fnmatch.fnmatch(str(path), t) for t in TORCH_FREE)):
        return "this part is built without torch"
    for pattern, where, why in BANNED:
        if fnmatch.fnmatch(header, pattern):
            return None if any(fnmatch.fnmatch(str(path), w) for w in where) else why
    return None


def findings_in(path, text):
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        why = banned(path, header)
        if why:
            found.append(f"{path}:{number}: {header} may not be included here: {why}")
        if quote == '"' and not any(fnmatch.fnmatch(str(path), s) for s in STANDALONE):
            if header.split("/")[0] not in source_files.CODE_FOLDERS:
                found.append(f'{path}:{number}: "{header}" is not given from the root')
            elif not allowed(path, header):
                found.append(f"{path}:{number}: {path.parts[0]} may not include {header}")
    return found


def findings(root=source_files.ROOT):
    return [f for p in source_files.cpp_files(root) for f in findings_in(p, (root / p).read_text())]


if __name__ == "__main__":
    source_files.parser(__doc__).parse_args()
    source_files.report("includes", findings())
