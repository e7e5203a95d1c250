from pyramid.config import Configurator


def make_app():
    with Configurator() as config:
        config.include("wiki.routes")
        config.include(add_extras)
        config.add_tween("wiki.tweens.timing")
        config.scan("wiki.views")
        return config.make_wsgi_app()


def add_extras(config):
    config.add_request_method(clock, "clock")
    config.add_subscriber("wiki.events.on_request", "pyramid.events.NewRequest")


def clock(request):
    return "now"
