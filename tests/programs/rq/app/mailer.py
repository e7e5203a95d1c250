def send(name):
    return body(name)


def body(name):
    return f"for {name}"
