from huey import MemoryHuey

huey = MemoryHuey(immediate=False, utc=False)
