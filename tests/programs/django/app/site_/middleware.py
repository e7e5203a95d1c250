class Timing:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        self.stamp(response)
        return response

    def stamp(self, response):
        response["X-Time"] = "1"

    def process_view(self, request, view, args, kwargs):
        return None


def tagging(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Tag"] = tag()
        return response

    return middleware


def tag():
    return "t"
