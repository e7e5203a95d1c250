from pyramid.response import Response
from pyramid.view import exception_view_config, view_config, view_defaults


@view_config(route_name="home")
def home(request):
    return Response(text(request))


def text(request):
    return f"home {request.clock()}"


@view_defaults(route_name="item")
class ItemViews:
    def __init__(self, context, request):
        self.context = context

    @view_config(request_method="GET")
    def show(self):
        return Response(self.shown())

    def shown(self):
        return self.context.n


@exception_view_config(ValueError)
def failed(error, request):
    return Response("failed", status=400)
