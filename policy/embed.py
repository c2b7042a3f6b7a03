#!/usr/bin/python3
"""Writes a C++ file that holds the given policy files: embed.py OUTPUT ROOT FILE..."""

import pathlib
import sys

output, root, *files = sys.argv[1:]
entries = []
for file in files:
    text = pathlib.Path(file).read_text(encoding="utf-8")
    name = pathlib.Path(file).resolve().relative_to(pathlib.Path(root).resolve()).as_posix()
    if ')json"' in text:
        sys.exit(f"{file}: holds the end mark of a raw string")
    entries.append(f'    {{"{name}", R"json({text})json"}},\n')

pathlib.Path(output).write_text(
    '#include "policy/shipped.h"\n\n#include <array>\n#include <utility>\n\n'
    "namespace policy {\nnamespace {\n\n"
    f"constexpr std::array<std::pair<std::string_view, std::string_view>, {len(files)}> kFiles{{{{\n"
    + "".join(entries)
    + "}};\n\n}  // namespace\n\n"
    "std::optional<std::string_view> shipped_file(std::string_view name) {\n"
    "  for (const auto& [file, text] : kFiles) {\n"
    "    if (file == name) return text;\n  }\n  return std::nullopt;\n}\n\n}  // namespace policy\n",
    encoding="utf-8")
