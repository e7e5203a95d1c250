import grpc


class GreeterServicer:
    def Hello(self, request, context):
        raise NotImplementedError

    def Count(self, request, context):
        raise NotImplementedError


class Greeter(GreeterServicer):
    def Hello(self, request, context):
        return self.greeting(request)

    def Count(self, request, context):
        for n in range(2):
            yield number(n)

    def greeting(self, name):
        return b"hello " + name


def number(n):
    return str(n).encode()


def add_greeter(servicer, server):
    handlers = {
        "Hello": grpc.unary_unary_rpc_method_handler(servicer.Hello),
        "Count": grpc.unary_stream_rpc_method_handler(servicer.Count),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Greeter", handlers),))


class Log(grpc.ServerInterceptor):
    def intercept_service(self, continuation, details):
        self.note(details)
        return continuation(details)

    def note(self, details):
        pass
