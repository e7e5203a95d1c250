from django.db import models


def default_code():
    return "c"


class ItemQuerySet(models.QuerySet):
    def in_stock(self):
        return self.filter(amount__gt=0)


class Item(models.Model):
    code = models.CharField(max_length=20, default=default_code)
    amount = models.IntegerField(default=1)

    objects = ItemQuerySet.as_manager()

    def __str__(self):
        return self.code

    def save(self, *args, **kwargs):
        self.code = self.normal()
        super().save(*args, **kwargs)

    def normal(self):
        return self.code.strip()
