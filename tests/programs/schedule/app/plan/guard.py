def guarded(function):
    def wrapper(*args):
        try:
            return function(*args)
        except Exception as error:
            failed(error)

    return wrapper


def failed(error):
    pass
