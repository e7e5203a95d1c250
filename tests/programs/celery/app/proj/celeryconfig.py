from datetime import timedelta

task_default_queue = "celery"
beat_schedule = {"report": {"task": "proj.reports.report", "schedule": timedelta(seconds=30)}}
worker_hijack_root_logger = False
