def on_request(event):
    seen.append(label(event))


def label(event):
    return "request"


seen = []
