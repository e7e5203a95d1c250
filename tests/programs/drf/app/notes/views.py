from rest_framework import generics, viewsets
from rest_framework.decorators import action, api_view
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import Note
from .serializers import NoteSerializer


class Logged:
    def initial(self, request, *args, **kwargs):
        self.log(request)
        return super().initial(request, *args, **kwargs)

    def log(self, request):
        pass


class NoteViewSet(Logged, viewsets.ModelViewSet):
    serializer_class = NoteSerializer

    def get_queryset(self):
        return Note.objects.order_by("id")

    def perform_create(self, serializer):
        serializer.save()
        announce()

    @action(detail=True, methods=["post"])
    def publish(self, request, pk=None):
        return Response(self.publication(self.get_object()))

    def publication(self, note):
        return {"id": note.pk}


def announce():
    pass


@api_view(["GET"])
def ping(request):
    return Response(pong())


def pong():
    return "pong"


class Broken(APIView):
    def get(self, request):
        raise ValidationError("broken")


class All(generics.ListAPIView):
    queryset = Note.objects.order_by("id")
    serializer_class = NoteSerializer

    def filter_queryset(self, queryset):
        return visible(super().filter_queryset(queryset))


def visible(queryset):
    return queryset
