import outside


def use(n):
    return outside.double(n)
