import functools

from flask import Blueprint, jsonify, request
from flask.views import MethodView

from . import store

bp = Blueprint("orders", __name__)


def counted(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        store.count(function.__name__)
        return function(*args, **kwargs)

    return wrapper


@bp.route("/")
@counted
def orders():
    return jsonify([each.total for each in store.repository.all()])


class Order(MethodView):
    decorators = [counted]

    def get(self, number):
        return jsonify(store.repository.find(number).total)

    def post(self, number):
        order = store.make_order(number)
        store.repository.add(order)
        return jsonify(order.total), 201


bp.add_url_rule("/<int:number>", view_func=Order.as_view("order"))


@bp.app_template_filter("money")
def money(value):
    return f"{value:.2f}"


@bp.route("/page")
def page():
    from flask import render_template_string

    return render_template_string("{{ 2 | money }}{{ shop_name() }}")


@bp.app_context_processor
def names():
    return {"shop_name": shop_name}


def shop_name():
    return "shop"


@bp.get("/fails")
def fails():
    raise KeyError("none")
