import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import child


def supervise():
    queue = multiprocessing.Queue()
    started = [child.Worker(queue), multiprocessing.Process(target=child.loop, args=(queue, child.Sink()))]
    for process in started:
        process.start()
    for process in started:
        process.join()
    with multiprocessing.Pool(1, initializer=child.init) as pool:
        pool.map(child.square, [1, 2])
    with ProcessPoolExecutor(1) as executor:
        executor.submit(child.cube, 3).result()


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    supervise()
