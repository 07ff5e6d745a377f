from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("components", "0005_keep_the_wit_of_functions"),
    ]

    operations = [
        migrations.AddField(
            model_name="blob",
            name="wanted_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
    ]
