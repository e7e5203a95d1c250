from django.urls import path

from billing.views import Bill, bills

urlpatterns = [path("", bills, name="bills"), path("<int:number>", Bill.as_view())]
