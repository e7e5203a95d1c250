def clean():
    sweep()


def sweep():
    pass
