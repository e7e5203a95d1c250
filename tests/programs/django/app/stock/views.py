from django.http import HttpResponse, JsonResponse
from django.views import View
from django.views.decorators.http import require_POST
from django.views.generic import FormView, ListView, TemplateView

from .forms import ItemForm
from .models import Item


class Shown:
    def shown(self, items):
        return [str(item) for item in items]


class ItemList(Shown, ListView):
    model = Item

    def get_queryset(self):
        return super().get_queryset().in_stock()

    def render_to_response(self, context, **kwargs):
        return JsonResponse(self.shown(context["object_list"]), safe=False)


@require_POST
def add(request):
    item = Item()
    item.save()
    return HttpResponse(str(item))


class Add(FormView):
    form_class = ItemForm

    def form_valid(self, form):
        form.save()
        return HttpResponse("ok")


class Base(View):
    def dispatch(self, request, *args, **kwargs):
        self.prepare()
        return super().dispatch(request, *args, **kwargs)

    def prepare(self):
        raise NotImplementedError


class Plain(Base):
    def prepare(self):
        self.text = "plain"

    def get(self, request, number):
        return HttpResponse(self.text + number)


plain = Plain.as_view()


class Page(TemplateView):
    template_name = "page.html"

    def get_context_data(self, **kwargs):
        return {**super().get_context_data(**kwargs), "title": title()}


def title():
    return "page"
