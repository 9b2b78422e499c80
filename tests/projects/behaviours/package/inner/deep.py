from .. import greeting


def depth():
    return greeting("depth")
