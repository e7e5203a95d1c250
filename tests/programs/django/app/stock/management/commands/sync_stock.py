from django.core.management.base import BaseCommand

from stock import supply


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true")

    def handle(self, *args, **options):
        for name in supply.SOURCES:
            self.sync(supply.SOURCES[name])

    def sync(self, source):
        source().fetch()
