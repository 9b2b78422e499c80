"""What a supervisor works on, in memory: records, signs of life, leases, Temporal's versions, build processes."""

from __future__ import annotations

import asyncio
import dataclasses
from types import SimpleNamespace

from tests.helpers.desired import desired
from tests.helpers.fake_store import AT
from worker.config import Keep
from worker.contracts import Report
from worker.errors import WorkerError
from worker.store.records import Deployment, Service
from worker.supervisor import Supervisor

WANTED = ("pending", "starting", "active", "draining")


def asked_for(number=1, state="pending", **changes):
    """A deployment of the project ``shop``."""
    made = Deployment(f"dep_{number}", "shop", "bld_1", f"v{number}", state, desired(), {}, [], "", AT)
    return dataclasses.replace(made, **changes)


class FakeInstallation:
    """The store and Temporal that all supervisors of a test share."""

    def __init__(self, *deployments):
        self.records = {item.id: item for item in deployments}
        self.details = {}
        self.held = {}
        self.current = ""
        self.sessions = {}
        self.backlog = set()
        self.terminated = []
        self.schedules = []
        self.children = []
        self.first_reports = {}
        self.told = []
        self.notes = []
        self.deployments = self.services = self.leases = self.vars = self.log = self.triggers = self

    def state(self, number=1):
        """The state of a deployment."""
        return self.records[f"dep_{number}"].state

    def _set(self, identifier, **changes):
        self.records[identifier] = dataclasses.replace(self.records[identifier], **changes)

    def stamps(self):
        """The store: nobody changes variables."""
        return {}

    def note(self, _project, session, _run, _kind, text, _where=""):
        """The store: a line in a session's log."""
        self.notes.append((session, text))
        return True

    # The store: deployments.
    def wanted(self):
        """What should run or be looked at."""
        return [item for item in self.records.values() if item.state in WANTED]

    def get(self, identifier):
        """One record."""
        return self.records.get(identifier)

    def by_version(self, project, version):
        """The record of a version."""
        return next((i for i in self.records.values() if (i.project, i.version) == (project, version)), None)

    def move(self, identifier, from_states, to_state, error=None):
        """Compare and set."""
        if self.records[identifier].state not in from_states:
            return False
        self._set(identifier, state=to_state, error=error)
        return True

    def give_up(self, identifier, error):
        """Failed, or draining when it was active before."""
        before = self.records[identifier].activated_at is not None
        return self.move(identifier, ["pending", "starting"], "draining" if before else "failed", error)

    def retire(self, identifier):
        """Draining no more."""
        return self.move(identifier, ["draining"], "inactive", self.records[identifier].error)

    def activate(self, identifier):
        """Active, and the one before draining."""
        if self.records[identifier].state not in {"pending", "starting"}:
            return False
        for other in self.records.values():
            if other.state == "active":
                self._set(other.id, state="draining")
        self._set(identifier, state="active", activated_at=AT, error=None)
        return True

    # The store: signs of life and leases.
    def beat(self, identifier, kind, host, pid, details):
        """A sign of life."""
        self.details[identifier] = details

    def alive(self, kind, _within_seconds):
        """Everybody who gave one."""
        return [Service(key, kind, "h", 1, AT, details) for key, details in self.details.items()]

    def remove(self, identifier):
        """Gone."""
        self.details.pop(identifier, None)

    def take(self, name, owner, _seconds):
        """The lease, when it is free."""
        return self.held.setdefault(name, owner) == owner

    def release(self, name, owner):
        """Free it."""
        if self.held.get(name) == owner:
            del self.held[name]

    # Temporal.
    async def wait_registered(self, _client, project, version):
        """Temporal knows it."""
        self.sessions.setdefault(version, 0)

    async def make_current(self, _client, project, version):
        """The current version."""
        await asyncio.sleep(0)
        self.current = version

    async def describe(self, _client, project):
        """All versions."""
        return [SimpleNamespace(build_id=name, current=name == self.current) for name in self.sessions]

    async def open_sessions(self, _client, project, version):
        """As the test says."""
        return self.sessions.get(version, 0)

    async def unserved(self, _client, project, served):
        """As the test says, without those that are served."""
        return [name for name, count in self.sessions.items() if count and name not in set(served)]

    async def backlogs(self, _client, project, versions):
        """As the test says."""
        return self.backlog & set(versions)

    async def terminate(self, _client, workflow_id, run_id, reason):
        """Remember it."""
        self.terminated.append(workflow_id)

    def renames(self, _project, *, applied):
        """As the test says."""
        return {}

    async def sync(self, _client, project, triggers, former):
        """Remember it."""
        self.schedules.append(project)

    def supervisor(self, broken=lambda _deployment: None):
        """A supervisor on it; ``broken`` gives the error that starting a deployment's process meets, or None."""

        def prepare(deployment, *_rest):
            """Meet the error, if there is one."""
            error = broken(deployment)
            if isinstance(error, WorkerError):
                raise error
            return deployment

        async def launch(deployment):
            """Start a process."""
            child = FakeChild(deployment, self.first_reports.get(deployment.id, Report("ready")))
            self.children.append(child)
            return child

        return Supervisor(
            SimpleNamespace(budget_seconds=5.0, keep=Keep(every_seconds=0)),
            self,
            None,
            tell=lambda what, _facts: self.told.append(what),
            launch=launch,
            prepare=prepare,
            temporal=self,
            sync_schedules=self.sync,
        )

    def running(self, number=1):
        """The processes of a deployment that run."""
        return [item for item in self.children if item.deployment.id == f"dep_{number}" and not item.ended]


class FakeChild:
    """A build process that says one thing at once, and ends when that is that it failed."""

    def __init__(self, deployment, first):
        self.deployment = deployment
        self.ended = False
        self._reports = asyncio.Queue()
        self.says(first)
        if first.state == "failed":
            self.dies()

    def says(self, report):
        """Report something."""
        self._reports.put_nowait(report)

    async def report(self):
        """The next one."""
        return await self._reports.get()

    def tell(self, message):
        """Listen to nothing."""

    async def stop(self):
        """End when asked."""
        self.dies()

    def dies(self):
        """End."""
        self.ended = True
        self._reports.put_nowait(None)

    def status(self):
        """Of a process that was told to end."""
        return -15 if self.ended else None
