"""Guest code for tests."""

def nasm_image(name, src, defines = []):
    """Assembles src into the flat image name.bin."""
    native.genrule(
        name = name,
        srcs = [src],
        outs = [name + ".bin"],
        cmd = "nasm -f bin %s -o $@ $<" % " ".join(["-D" + define for define in defines]),
    )
