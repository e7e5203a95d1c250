from flask import Flask

from .extensions import Audit
from .orders import bp


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_object("shop.config.Production")
    app.register_blueprint(bp, url_prefix="/orders")
    Audit().init_app(app)
    register_errors(app)

    @app.route("/")
    def index():
        return greeting("shop")

    app.add_url_rule("/health", view_func=lambda: "ok")
    return app


def register_errors(app):
    @app.errorhandler(KeyError)
    def missing(error):
        return str(error), 404


def greeting(name):
    return f"hello {name}"


def unused_page():
    return "nobody asks for this"
