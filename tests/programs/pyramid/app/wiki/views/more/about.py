from pyramid.view import view_config


@view_config(route_name="about", renderer="json")
def about(request):
    return {"version": version()}


def version():
    return 1


@view_config(route_name="fails")
def fails(request):
    raise ValueError
