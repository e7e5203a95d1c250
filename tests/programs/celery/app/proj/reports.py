from proj.celery import app


class Report(app.Task):
    name = "proj.reports.class_report"

    def run(self, n):
        return self.build(n)

    def build(self, n):
        return rows(n)


def rows(n):
    return list(range(n))


app.register_task(Report())


@app.task(autoretry_for=(ValueError,))
def report():
    return rows(2)
