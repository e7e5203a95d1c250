from quart import Quart

from blog import blog, database

app = Quart(__name__)
app.register_blueprint(blog, url_prefix="/blog")


@app.before_serving
async def start():
    await database.connect()


@app.after_serving
async def stop():
    await database.close()


@app.while_serving
async def hold():
    begin()
    yield
    end()


def begin():
    pass


def end():
    pass


@app.route("/")
async def home():
    app.add_background_task(refresh, 1)
    return await page()


async def page():
    return "home"


async def refresh(n):
    await database.execute(n)


@app.websocket("/ws")
async def ws():
    from quart import websocket

    await websocket.send(shout(await websocket.receive()))


def shout(text):
    return text.upper()


@app.errorhandler(LookupError)
async def missing(error):
    return "missing", 404


@app.get("/sync")
def plain():
    raise LookupError
