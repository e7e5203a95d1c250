from quart import Blueprint

blog = Blueprint("blog", __name__)


class Database:
    def __init__(self):
        self.done = []

    async def connect(self):
        self.done.append("connect")

    async def close(self):
        self.done.clear()

    async def execute(self, n):
        return await self._run(n)

    async def _run(self, n):
        return n


database = Database()


@blog.before_request
async def check():
    allowed()


def allowed():
    return True


@blog.get("/<int:n>")
async def post(n):
    return str(await database.execute(n))
