import atexit
import signal
import time

from state import Killer, State

state = State()


class Bye:
    def __call__(self):
        state.say("bye")


def reload(number, frame):
    state.reload()


def goodbye(name):
    state.close()


def main():
    killer = Killer()
    signal.signal(signal.SIGHUP, reload)
    signal.signal(signal.SIGUSR1, lambda number, frame: state.say("usr1"))
    atexit.register(goodbye, "all")
    atexit.register(Bye())
    while not killer.stopped:
        state.work()
        time.sleep(0.01)


@atexit.register
def last():
    pass


if __name__ == "__main__":
    main()
