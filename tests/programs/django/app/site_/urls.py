from django.urls import include, path

urlpatterns = [path("stock/", include("stock.urls")), path("billing/", include(("billing.urls", "billing")))]
