from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=20)

    class Meta:
        app_label = "notes"

    @property
    def short(self):
        return cut(self.text)


def cut(text):
    return text[:3]
