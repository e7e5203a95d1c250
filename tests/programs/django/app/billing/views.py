from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View


@login_not_required
def bills(request):
    return HttpResponse(text_of([1, 2]))


def text_of(numbers):
    return ",".join(map(str, numbers))


@method_decorator(csrf_exempt, name="dispatch")
class Bill(View):
    def post(self, request, number):
        return HttpResponse(text_of([number]))
