from flask import Flask

from proj.mail.tasks import send_all

app = Flask(__name__)


@app.post("/send")
def send_mail():
    send_all(["Html", "other"])
    return "ok"
