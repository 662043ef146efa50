"""What the kernel is asked for; each process here is a real one."""

import resource
import signal
import subprocess
import sys

import pytest

from hub.runner.leash import bind, children, kill_group, scrubbed
from hub.runner.letters import Limits
from tests.kin import gone

SHOW = """
import resource, sys
from hub.runner.leash import bind
from hub.runner.letters import Limits
bind(Limits(memory_bytes=2**32, cpu_s=7, files=50))
for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE):
    print(resource.getrlimit(kind)[0])
print(resource.getrlimit(resource.RLIMIT_CORE)[0])
print(open("/proc/self/oom_score_adj").read())
"""
FATHER = """
import os, signal, time
from hub.runner.leash import end_with_parent
parent = os.getpid()
if os.fork() == 0:
    end_with_parent(parent)
    print(os.getpid(), flush=True)
    time.sleep(60)
signal.pause()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")


def test_secrets_stay_behind() -> None:
    """Settings of the hub and names that speak of secrets; the rest is passed on."""
    environ = {
        "PATH": "/bin",
        "HOME": "h",
        "TASKHUB__SERVER__PORT": "1",
        "GITHUB_TOKEN": "x",
        "client_secret": "x",
        "DbPassword": "x",
        "API_KEYS": "x",
    }

    assert scrubbed(environ) == {"PATH": "/bin", "HOME": "h"}


@linux
def test_limits_are_the_kernels() -> None:
    """Memory, processor time, files; no core, and the first to go without memory."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [str(2**32), "7", "50", "0", "1000"]


def test_no_limit_leaves_things_as_they_are() -> None:
    """0 stands for none, and a limit is never raised."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = (
        "import resource; from hub.runner.leash import bind; "
        "from hub.runner.letters import Limits; bind(Limits(files=2**40)); "
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert int(done.stdout) <= before[1]
    assert bind.__doc__
    assert Limits() == Limits(memory_bytes=0, cpu_s=0, files=0)


@linux
def test_a_process_ends_with_its_parent() -> None:
    """However suddenly that one ends."""
    father = subprocess.Popen([sys.executable, "-c", FATHER], stdout=subprocess.PIPE)
    assert father.stdout is not None
    son = int(father.stdout.readline())

    father.kill()
    father.wait()
    father.stdout.close()

    gone([son], 5)


@linux
def test_a_parent_that_is_gone_already_is_noticed() -> None:
    """Who asks too late ends at once."""
    code = "from hub.runner.leash import end_with_parent; end_with_parent(1234567)"

    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == -signal.SIGKILL


@linux
def test_children_are_known() -> None:
    """Those that this process has now."""
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)

    assert child.pid in children()
    assert kill_group(child.pid, signal.SIGKILL)
    child.wait()
    assert child.pid not in children()
    assert not kill_group(child.pid, signal.SIGKILL)
