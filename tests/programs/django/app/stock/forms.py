from django import forms

from .models import Item


class ItemForm(forms.ModelForm):
    class Meta:
        model = Item
        fields = ["code"]

    def clean_code(self):
        return tidy(self.cleaned_data["code"])


def tidy(text):
    return text.lower()
