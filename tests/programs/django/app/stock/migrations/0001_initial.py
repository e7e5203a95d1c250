from django.db import migrations, models

import stock.models


def fill(apps, schema_editor):
    make(apps.get_model("stock", "Item"))


def make(model):
    model.objects.create(code="first")


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=20, default=stock.models.default_code)),
                ("amount", models.IntegerField(default=1)),
            ],
        ),
        migrations.RunPython(fill),
    ]
