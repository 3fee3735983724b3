"""How Jupyter is told to fork kernels: a provisioner."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from explorer.serve.warm_process import LAUNCHER

__all__ = ["PROVISIONER", "ForkedKernelProvisioner", "register_provisioner"]

PROVISIONER = "explorer-forked"  # the provisioner's name in Jupyter's settings


class ForkedKernelProvisioner(LocalProvisioner):
    """Forks a kernel from the `WarmProcess` of its manager's manager, or starts it as usual."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Return how to connect to the kernel that has been started."""
        manager: Any = self.parent
        warm_process = getattr(manager.parent, "warm_process", None)
        if warm_process is not None and LAUNCHER in cmd:
            folder = str(options.get("cwd") or Path.cwd())
            if (process := await warm_process.fork(cmd, options["env"], folder)) is not None:
                self.process, self.pid, self.pgid, self.cwd = process, process.pid, process.pid, folder
                return self.connection_info
        return await super().launch_kernel(cmd, **options)


def register_provisioner() -> None:
    """Let Jupyter know `PROVISIONER`, also where the installed package is an older one."""
    place = f"{ForkedKernelProvisioner.__module__}:{ForkedKernelProvisioner.__name__}"
    entry = EntryPoint(PROVISIONER, place, KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.provisioners[PROVISIONER] = entry
