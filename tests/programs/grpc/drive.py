def api(run):
    import grpc

    kind = type(grpc.server.__globals__["server"])
    from grpc import _server

    def wait(self, timeout=None):
        run.threads = "request"
        with grpc.insecure_channel("127.0.0.1:50999") as channel:
            assert channel.unary_unary("/Greeter/Hello")(b"a", timeout=20) == b"hello a"
            assert list(channel.unary_stream("/Greeter/Count")(b"", timeout=20)) == [b"0", b"1"]
        self.stop(None)

    _server._Server.wait_for_termination = wait
    run.script("server.py")
