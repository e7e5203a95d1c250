def upgrade():
    for step in STEPS:
        step()


def first():
    pass


def second():
    pass


STEPS = (first, second)
