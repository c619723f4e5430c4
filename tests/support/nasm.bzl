"""Guest code for tests."""

def nasm_image(name, src, defines = [], includes = []):
    """Assembles src into the flat image name.bin; files of includes are named from the root."""
    native.genrule(
        name = name,
        srcs = [src] + includes,
        outs = [name + ".bin"],
        cmd = "nasm -f bin %s -o $@ $(location %s)" % (
            " ".join(["-D" + define for define in defines]),
            src,
        ),
    )
