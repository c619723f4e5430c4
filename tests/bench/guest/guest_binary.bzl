"""C programs for guests: static, without what the compiler of a distribution adds."""

_FLAGS = "-std=gnu11 -O2 -Wall -Wextra -Werror -fno-math-errno -fno-stack-protector -pthread"

def guest_object(name, options = ""):
    """Compiles name.c."""
    native.genrule(
        name = name + "_object",
        srcs = [name + ".c"] + native.glob(["*.h"]),
        outs = [name + ".o"],
        cmd = "gcc %s %s -c -o $@ $(location %s.c)" % (_FLAGS, options, name),
    )

def guest_binary(name, objects):
    """Links objects to the static program name."""
    native.genrule(
        name = name + "_binary",
        srcs = [object + ".o" for object in objects],
        outs = [name],
        cmd = "gcc -static -pthread -s -o $@ $(SRCS)",
        executable = True,
    )
