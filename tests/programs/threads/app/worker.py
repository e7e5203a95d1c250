import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from pool import Consumer, Producer, start_all

items = queue.Queue()
stop = threading.Event()


def watch(name, *, loud):
    shout(name) if loud else None


def shout(name):
    pass


def fetch(n):
    return double(n)


def double(n):
    return 2 * n


def finished(future):
    future.result()


def tidy():
    clean()


def clean():
    pass


def main():
    threads = start_all([Producer(items), Consumer(items)])
    threads.append(threading.Thread(target=watch, args=("a",), kwargs={"loud": True}))
    threads[-1].start()
    timer = threading.Timer(0.01, tidy)
    timer.start()
    with ThreadPoolExecutor(2, initializer=prepare) as executor:
        waiting = [executor.submit(fetch, n) for n in range(3)]
        waiting[0].add_done_callback(finished)
        for each in as_completed(waiting):
            collect(each)
        list(executor.map(lambda n: double(n), range(2)))
    for thread in threads:
        thread.join()
    time.sleep(0.1)


def prepare():
    pass


def collect(future):
    pass


if __name__ == "__main__":
    main()
