def shop(request):
    return {"shop": "stock"}
