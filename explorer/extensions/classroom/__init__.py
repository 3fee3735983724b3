"""A classroom: many visitors at once, each with a seat, a forked kernel, and a share of the machine."""

from explorer.extension import Extension

EXTENSION = Extension("classroom", kernels=(f"{__name__}.pool:Classroom",))
