from rest_framework.views import exception_handler


def handle(exc, context):
    response = exception_handler(exc, context)
    note_failure()
    return response


def note_failure():
    pass
