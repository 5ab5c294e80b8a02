"""What the migrations 1 to 6 come to, for new databases. Others go on by those that it replaces."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('reviews', '0001_initial'), ('reviews', '0002_judging'), ('reviews', '0003_places'), ('reviews', '0004_places_needed'), ('reviews', '0005_who_approved'), ('reviews', '0006_findings')]

    initial = True

    dependencies = [
        ('recommender', '0001_initial'),
        ('recommender', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='Guideline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True)),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('end_user', 'end user'), ('item', 'item')], max_length=8)),
                ('state', models.CharField(choices=[('open', 'open'), ('awaiting_actor', 'awaiting the actor'), ('done', 'done')], default='open', max_length=16)),
                ('version', models.PositiveIntegerField(default=1)),
                ('concern', models.PositiveSmallIntegerField(choices=[(0, 'no attempt passed the AI check'), (1, 'the evidence says otherwise'), (2, 'passed the AI check')], default=2)),
                ('concern_words', models.CharField(blank=True, help_text='What the evidence contradicts.', max_length=300)),
                ('findings', models.JSONField(default=list, help_text='Places of its texts that the evidence contradicts, in words.')),
                ('place', models.BigIntegerField()),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('closed_at', models.DateTimeField(null=True)),
                ('catalog', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='recommender.catalog')),
                ('round', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='review', to='recommender.round')),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'place'], name='review_state'), models.Index(fields=['state', 'kind', 'place'], name='review_state_kind'), models.Index(fields=['catalog', 'state', 'place'], name='review_catalog_state'), models.Index(fields=['catalog', 'state', 'kind', 'place'], name='review_catalog_state_kind')],
            },
        ),
        migrations.CreateModel(
            name='Skip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skips', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skips', to='reviews.review')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('review', 'account'), name='skip_unique')],
            },
        ),
        migrations.CreateModel(
            name='Slot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(default=1)),
                ('lease_token', models.CharField(blank=True, max_length=32)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('leased_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='slots', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='reviews.review')),
            ],
            options={
                'indexes': [models.Index(fields=['leased_by', 'lease_expires_at'], name='slot_lease'), models.Index(fields=['lease_expires_at'], name='slot_lease_end')],
                'constraints': [models.UniqueConstraint(fields=('review', 'number'), name='slot_number_unique_in_review')],
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('shown_at', models.DateTimeField(null=True)),
                ('active_ms', models.PositiveIntegerField(null=True)),
                ('scrolled', models.PositiveSmallIntegerField(null=True)),
                ('device', models.CharField(blank=True, max_length=8)),
                ('pressed', models.CharField(blank=True, max_length=8)),
                ('guideline', models.PositiveIntegerField(null=True)),
                ('verdict', models.CharField(choices=[('approve', 'approve'), ('edit', 'edit'), ('override', 'override'), ('reject', 'reject')], max_length=8)),
                ('reason', models.TextField(blank=True)),
                ('seen', models.JSONField()),
                ('effects', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('made_turn', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='made_by', to='recommender.turn')),
                ('turn', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='recommender.turn')),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='reviews.review')),
                ('slot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='reviews.slot')),
            ],
            options={
                'indexes': [models.Index(fields=['account', 'created_at'], name='decision_account_created')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('made_turn', None), ('verdict__in', ['approve', 'reject'])), models.Q(('made_turn__isnull', False), ('verdict__in', ['edit', 'override'])), _connector='OR'), name='decision_makes_a_turn_when_it_writes')],
            },
        ),
        migrations.CreateModel(
            name='Undone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('shown_at', models.DateTimeField(null=True)),
                ('active_ms', models.PositiveIntegerField(null=True)),
                ('scrolled', models.PositiveSmallIntegerField(null=True)),
                ('device', models.CharField(blank=True, max_length=8)),
                ('pressed', models.CharField(blank=True, max_length=8)),
                ('guideline', models.PositiveIntegerField(null=True)),
                ('verdict', models.CharField(choices=[('approve', 'approve'), ('edit', 'edit'), ('override', 'override'), ('reject', 'reject')], max_length=8)),
                ('turn_index', models.PositiveSmallIntegerField(help_text='Of the rationale that was decided about.')),
                ('judgement', models.CharField(blank=True, max_length=16)),
                ('text', models.TextField(blank=True)),
                ('reason', models.TextField(blank=True)),
                ('seen', models.JSONField()),
                ('decided_at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='undone', to='reviews.review')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Unsent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(max_length=32)),
                ('text', models.TextField()),
                ('version', models.PositiveIntegerField(help_text="The review's when it was typed.")),
                ('saved_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='unsent', to='reviews.review')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'review', 'field'), name='unsent_unique')],
            },
        ),
    ]
