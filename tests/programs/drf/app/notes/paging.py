from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    page_size = 2

    def get_paginated_response(self, data):
        return super().get_paginated_response(self.packed(data))

    def packed(self, data):
        return list(data)
