from django import template

register = template.Library()


@register.filter
def dots(value):
    return "." * value


@register.simple_tag
def now():
    return clock()


def clock():
    return "now"
