DEBUG = False
LIMIT = 3


def limit():
    return LIMIT
