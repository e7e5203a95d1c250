from concurrent import futures

import grpc

from services import Greeter, Log, add_greeter


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(2), interceptors=[Log()])
    add_greeter(Greeter(), server)
    server.add_insecure_port("127.0.0.1:50999")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
