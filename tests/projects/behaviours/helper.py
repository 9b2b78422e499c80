def name():
    return __name__


def calls_marked(function):
    return function("through a helper")
