from django.urls import path, re_path

from . import views

urlpatterns = [
    path("", views.ItemList.as_view()),
    path("add", views.add),
    path("form", views.Add.as_view()),
    re_path(r"^plain/(\d+)$", views.plain),
    path("page", views.Page.as_view()),
]
