"""Read a project's code and say what it does durably, without running it.

``code`` indexes files, ``walker`` follows values through functions, ``calls`` asks the runtime's own policy about each
call, ``hazards`` looks for what surprises people, ``report`` puts it together per handler. Third-party modules are
imported to see what their functions are; the user's own are only read.

May import: ``worker.usercode``, ``worker.errors``. Never: the store, Temporal.
"""
