"""adapt.py FOLDER: lets Java that a compiler of Thrift 0.17 wrote be compiled with a library of 0.21 and later, whose
functions of services have one more type, that of their result, and make an empty one. Nothing else differs."""

import pathlib
import re
import sys

BASE = "org.apache.thrift.TBase"
MAPS = re.compile(rf"(ProcessFunction<I, \? extends +{re.escape(BASE)}(?:, ?\?)?)>")
FUNCTIONS = re.compile(
    r"(public static class (\w+)<I extends (?:Async)?Iface> extends [\w.]+ProcessFunction<I, \2_args[^{]*?)> \{"
    r"(.*?)\n( *)@Override\n *protected boolean isOneway\(\) \{\s*return (true|false);",
    re.DOTALL,
)


def function(found):
    head, name, body, indent, one_way = found.groups()
    result = BASE if one_way == "true" else f"{name}_result"
    empty = "null" if one_way == "true" else f"new {result}()"
    return (
        f"{head}, {result}> {{{body}\n"
        f"{indent}@Override\n{indent}public {result} getEmptyResultInstance() {{ return {empty}; }}\n\n"
        f"{indent}@Override\n{indent}public boolean isOneway() {{ return {one_way};"
    )


for path in pathlib.Path(sys.argv[1]).rglob("*.java"):
    text = MAPS.sub(rf"\1, ? extends {BASE}>", path.read_text())
    path.write_text(FUNCTIONS.sub(function, text))
