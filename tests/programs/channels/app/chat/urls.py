from django.http import HttpResponse
from django.urls import path


async def page(request):
    return HttpResponse(await text())


async def text():
    return "page"


urlpatterns = [path("", page)]
