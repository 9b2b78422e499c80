"""Errors of calls come with their causes, in the context in which the program made the call."""

import autokitteh


@autokitteh.activity
def caused():
    try:
        {}["inner"]
    except KeyError as error:
        raise ValueError("outer") from error


@autokitteh.activity
def in_context():
    try:
        {}["inner too"]
    except KeyError:
        raise ValueError("outer too")


@autokitteh.activity
def hidden():
    try:
        {}["hidden"]
    except KeyError:
        raise ValueError("alone") from None


@autokitteh.activity
def plain():
    raise LookupError("plain")


def chain(error):
    found = []
    while error is not None and len(found) < 9:
        found.append(repr(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def main():
    for call in (caused, in_context, plain):
        try:
            call()
        except (ValueError, LookupError) as error:
            print(chain(error), repr(error.__cause__), repr(error.__context__), error.__suppress_context__)
    for call in (caused, in_context, hidden, plain):
        try:
            try:
                raise OSError("first")
            except OSError:
                call()
        except (ValueError, LookupError) as error:
            print(chain(error), error.__suppress_context__)
        try:
            try:
                plain()
            finally:
                call()
        except (ValueError, LookupError) as error:
            print(chain(error))
    try:
        raise OSError("first")
    except OSError:
        try:
            raise TypeError("mine") from KeyError("a cause")
        except TypeError:
            try:
                plain()
            except LookupError as error:
                print(chain(error), repr(error.__context__.__context__))


if __name__ == "__main__":
    main()
