from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order", models.CharField(max_length=100, unique=True)),
                ("customer", models.EmailField(max_length=254)),
                ("cents", models.PositiveIntegerField()),
                ("execution_id", models.CharField(max_length=200)),
            ],
        ),
    ]
