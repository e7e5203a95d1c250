def timing(handler, registry):
    def tween(request):
        measure()
        return handler(request)

    return tween


def measure():
    pass
