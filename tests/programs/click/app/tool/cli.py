import click

from tool.work import Work


def check(context, parameter, value):
    return limited(value)


def limited(value):
    return min(value, 5)


@click.group()
@click.pass_context
def cli(context):
    context.obj = Work("a")


@cli.command()
@click.option("--count", type=int, default=1, callback=check)
@click.pass_obj
def run(work, count):
    for _ in range(count):
        work.step()
    context_end()


def context_end():
    click.get_current_context().call_on_close(ended)


def ended():
    pass


@cli.group()
def db():
    ready()


def ready():
    pass


@db.command("init")
def init():
    click.echo(create())


def create():
    return "created"


def unused_helper():
    pass
