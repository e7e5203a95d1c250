from fastapi import APIRouter, BackgroundTasks, Depends
from pydantic import BaseModel, field_validator

from ..deps import Limit, Session, SessionDep, get_session

router = APIRouter(prefix="/items", dependencies=[Depends(Limit(3))])


class Item(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def named(cls, value):
        return tidy(value)


def tidy(value):
    return value.strip()


@router.get("/")
def items(session: Session = Depends(get_session)):
    return session.query("items")


@router.post("/", status_code=201)
async def add(item: Item, tasks: BackgroundTasks, session: SessionDep):
    tasks.add_task(notify, item.name)
    return session.query(item.name)


def notify(name):
    send(name)


def send(name):
    pass
