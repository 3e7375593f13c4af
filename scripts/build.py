"""scripts/build.py NAME...: builds one of the kinds in project.py."""

import sys

import project

for name in sys.argv[1:]:
    if not project.build(name):
        sys.exit(1)
    if name == "release" and not project.link_postrider():
        sys.exit("the build made no postrider: src/cli/meson.build is missing")
