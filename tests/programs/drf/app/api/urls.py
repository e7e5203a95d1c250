from django.urls import include, path
from rest_framework.routers import DefaultRouter

from notes import views

router = DefaultRouter()
router.register("notes", views.NoteViewSet, basename="note")

urlpatterns = [
    path("", include(router.urls)),
    path("ping", views.ping),
    path("broken", views.Broken.as_view()),
    path("all", views.All.as_view()),
]
