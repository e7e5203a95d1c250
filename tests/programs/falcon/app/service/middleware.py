class Auth:
    def process_request(self, request, response):
        self.user(request)

    def process_response(self, request, response, resource, succeeded):
        pass

    def user(self, request):
        return "somebody"
