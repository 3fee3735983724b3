"""Managers of kernels, with others in place of Jupyter's."""

from itertools import count

from traitlets import HasTraits

from explorer.extensions.classroom.kernels import SeatedKernels


def manager_class(base, variables, seats):
    """A class of managers whose kernels have seats."""
    return type("Manager", (SeatedKernels, base), {"variables": variables, "seats": seats})


class Kernels(HasTraits):
    """In place of Jupyter's manager: keeps a list of kernels, and with what the last one was started."""

    def __init__(self):
        super().__init__()
        self.running, self.names = {}, map(str, count())
        self._pools = {}  # as Voilà has it: kernels for visitors to come, by notebook

    def __contains__(self, kernel):
        return kernel in self.running

    def kernel_model(self, kernel):
        return {"connections": self.running[kernel]}

    def list_kernel_ids(self):
        return [*self.running]

    async def start_kernel(self, **options):
        self.options = options
        self.running[name := next(self.names)] = 0
        return name

    async def shutdown_kernel(self, kernel, now=False):
        for task in [task for pool in self._pools.values() for task in pool if task.done()]:
            task.result()
        del self.running[kernel]

    _pending_kernels = ()

    async def shutdown_all(self, now=False):
        self.has_ended = now
        self.running.clear()

    def add_restart_callback(self, *_):
        pass
