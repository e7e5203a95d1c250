import src_app
from src_app import loader, plugins


def main():
    loader.load_all()
    for name, plugin in plugins.items():
        plugin.activate()
        plugin.hook("start")
    src_app.summary(plugins)


main()
