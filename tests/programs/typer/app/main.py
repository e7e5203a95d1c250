import typer

from commands import extra
from commands.base import Runner

app = typer.Typer()
app.add_typer(extra.app, name="extra")


def parse(text: str):
    return text.upper()


@app.callback()
def configure(verbose: bool = False):
    Runner.verbose = verbose


@app.command()
def work(name: str = typer.Argument(..., callback=parse)):
    Runner.create(name).start()


if __name__ == "__main__":
    app()
