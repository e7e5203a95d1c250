"""Container, platform and supervisor manifests."""

from __future__ import annotations

import pytest
from declared import declared, settings
from hypothesis import given
from hypothesis import strategies as st

from proctor.model.process import ProcessType

Files = dict[str, str | bytes]


def types(files: Files) -> list[tuple[str, str, str]]:
    return [(each.declared_in, each.name, each.command) for each in declared(files).process_types]


def only(files: Files) -> ProcessType:
    (found,) = declared(files).process_types
    return found


def test_dockerfile_exec_form_has_no_shell() -> None:
    found = only(
        {"Dockerfile": 'FROM python\nWORKDIR /app\nCOPY . .\nCMD ["gunicorn", "app:app"]\n', "app.py": ""}
    )
    assert (found.command, found.shell, found.place.line, found.folder) == ("gunicorn app:app", "none", 4, "")


def test_dockerfile_shell_form_is_told() -> None:
    files: Files = {"Dockerfile": "FROM python\nSTOPSIGNAL SIGINT\nCMD gunicorn \\\n  app:app\n"}
    assert only(files).shell == "sh"
    assert only(files).command.split() == ["gunicorn", "app:app"]
    assert {topic for topic, _, _ in settings(files)} == {"shell-form-cmd", "stop-signal"}


def test_entry_point_and_command_are_joined() -> None:
    files: Files = {"Dockerfile": 'FROM python\nENTRYPOINT ["tini", "--"]\nCMD ["python", "my bot.py"]\n'}
    assert only(files).command == "tini -- python 'my bot.py'"


def test_a_shell_form_entry_point_ignores_the_command() -> None:
    files: Files = {"Dockerfile": 'FROM python\nENTRYPOINT ./start.sh\nCMD ["x"]\n'}
    assert (only(files).command, only(files).shell) == ("./start.sh", "sh")


def test_the_last_stage_counts_and_copies_pass_through_stages() -> None:
    dockerfile = """
        FROM python AS build
        WORKDIR /src
        COPY backend/ ./backend/
        CMD ["never"]
        FROM python
        ENV PYTHONPATH=/srv PORT=80
        WORKDIR /srv
        COPY --from=build /src/backend /srv
        COPY scripts/start.sh /start.sh
        CMD ["/start.sh"]
        """
    found = only({"Dockerfile": dockerfile, "backend/main.py": "", "scripts/start.sh": ""})
    assert found.copied == (("/srv", "backend"), ("/start.sh", "scripts/start.sh"))
    assert found.folder == "backend"
    assert dict(found.environment) == {"PYTHONPATH": "/srv", "PORT": "80"}


def test_an_entry_script_that_runs_its_arguments_is_no_process_type_by_itself() -> None:
    files: Files = {
        "Dockerfile": 'FROM python\nCOPY . /\nENTRYPOINT ["/entry.sh"]\n',
        "entry.sh": '#!/bin/sh\nexec "$@"\n',
    }
    assert types(files) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Dockerfile", "container"), ("Dockerfile.worker", "worker"), ("worker/Dockerfile", "worker"),
        ("docker/Dockerfile", "container"), ("beat.Dockerfile", "beat"),
    ],
)  # fmt: skip
def test_what_a_dockerfile_calls_its_process(path: str, name: str) -> None:
    assert only({path: 'FROM python\nCMD ["python", "x.py"]\n'}).name == name


COMPOSE = """
    services:
      web:
        build: .
        container_name: site
        command: gunicorn app:app --workers 2
        ports: ["8000:8000", "9000", "127.0.0.1:7000:7000"]
        stop_grace_period: 1m30s
        stop_signal: SIGINT
        init: true
        restart: always
        deploy: {replicas: 3, labels: [traefik.http.services.web.loadbalancer.sticky.cookie=true]}
        volumes: ["./uploads:/data", "./keys:/keys:z,ro", "named:/var"]
        environment:
          - REDIS_URL=redis://cache
          - SECRET
          - OTHER=${OTHER:-x}
      worker:
        build: {context: ., dockerfile: Dockerfile}
        entrypoint: ["sh", "-c", "celery -A x worker"]
      cache:
        image: redis:7
        container_name: cache
    """


def test_compose_services_that_are_built_here() -> None:
    files: Files = {
        "docker-compose.yml": COMPOSE,
        "Dockerfile": "FROM python\nWORKDIR /app\nCOPY . .\n",
        "app.py": "",
    }
    found = {each.name: each for each in declared(files).process_types}
    assert {name: each.command for name, each in found.items()} == {
        "web": "gunicorn app:app --workers 2",
        "worker": "sh -c 'celery -A x worker'",
    }
    web = found["web"]
    assert (web.replicas, web.grace_seconds, web.init, web.shell, web.development) == (
        3,
        90.0,
        True,
        "none",
        False,
    )
    assert dict(web.environment)["REDIS_URL"] == "redis://cache"
    assert declared(files).variables == {"REDIS_URL": "redis://cache"}


def test_compose_settings() -> None:
    files: Files = {"docker-compose.yml": COMPOSE}
    assert settings(files) == {
        ("container-name", "web", "site"),
        ("host-port", "web", "8000"),
        ("host-port", "web", "7000"),
        ("grace-period", "web", "1m30s"),
        ("stop-signal", "web", "SIGINT"),
        ("init", "web", "true"),
        ("restart", "web", "always"),
        ("replicas", "web", "3"),
        ("sticky-sessions", "web", "traefik.http.services.web.loadbalancer.sticky.cookie=true"),
        ("local-mount", "web", "./uploads:/data"),
        ("local-mount", "web", "./keys:/keys:ro"),
    }


@pytest.mark.parametrize(
    ("path", "service", "development"),
    [
        ("docker-compose.yml", "build: .", False),
        ("docker-compose.dev.yml", "build: .", True),
        ("docker-compose.override.yml", "build: .", True),
        ("compose.yaml", "build: .\n        volumes: ['.:/app']", True),
        ("compose.yaml", "build: .\n        restart: always\n        volumes: ['.:/app']", False),
        ("local.yml", "build: .", True),
        ("production.yml", "build: .", False),
    ],
)
def test_what_is_meant_for_development(path: str, service: str, development: bool) -> None:
    text = f"services:\n      web:\n        command: x\n        {service}\n"
    assert only({path: text, "app.py": ""}).development is development


def test_a_compose_bomb_is_not_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    lines += ["services:", "  web:", "    build: .", "    command: run", "    environment: *a29"]
    assert [each.name for each in declared({"compose.yml": "\n".join(lines)}).process_types] == ["web"]


def test_a_circular_merge_ends() -> None:
    text = "services: &s\n  <<: *s\n  web: {build: ., command: x}\n"
    assert [each.name for each in declared({"compose.yml": text}).process_types] == ["web"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("services:\n  web: {build: .\n", "not valid"),
        ("services:\n  web:\n    image: {{ .Values.image }}\n", "template"),
        ("services: !!python/object/apply:os.system [x]\n", ""),
    ],
)
def test_an_unreadable_document_is_named(text: str, reason: str) -> None:
    found = declared({"compose.yml": text})
    assert [why for _, why in found.not_read if reason in why] or not reason
    assert found.process_types == ()


KUBERNETES = """
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: files}
    spec: {accessModes: [ReadWriteOnce]}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: 2
      template:
        spec:
          terminationGracePeriodSeconds: 20
          volumes:
            - name: a
              persistentVolumeClaim: {claimName: files}
            - name: b
              hostPath: {path: /srv/x}
          containers:
            - name: web
              command: [gunicorn]
              args: ["app:app"]
              lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
              ports: [{containerPort: 80, hostPort: 80}]
              env:
                - {name: MODE, value: live}
                - {name: KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}
    ---
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    spec: {minReplicas: 1, maxReplicas: 9, scaleTargetRef: {name: web}}
    ---
    apiVersion: v1
    kind: Service
    spec: {sessionAffinity: ClientIP}
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {annotations: {nginx.ingress.kubernetes.io/affinity: cookie}}
    ---
    apiVersion: batch/v1
    kind: CronJob
    metadata: {name: nightly}
    spec:
      jobTemplate: {spec: {template: {spec: {containers: [{name: x, args: [python, job.py]}]}}}}
    """


def test_kubernetes_workloads() -> None:
    found = declared({"k8s/app.yaml": KUBERNETES})
    assert [(each.name, each.command, each.replicas, each.grace_seconds) for each in found.process_types] == [
        ("web", "gunicorn app:app", 2, 20.0),
        ("nightly", "python job.py", None, None),
    ]
    assert found.variables == {"KEY": None, "MODE": "live"}
    assert settings({"k8s/app.yaml": KUBERNETES}) == {
        ("replicas", "web", "2"),
        ("grace-period", "web", "20"),
        ("read-write-once", "web", "files"),
        ("local-mount", "web", "hostPath /srv/x"),
        ("pre-stop", "web", "sleep 5"),
        ("host-port", "web", "80"),
        ("autoscaler", "web", "1-9"),
        ("sticky-sessions", None, "sessionAffinity: ClientIP"),
        ("sticky-sessions", None, "nginx.ingress.kubernetes.io/affinity: cookie"),
    }


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("heroku.yml", "run:\n  web: gunicorn a:b\n  worker: {command: [celery worker]}\nrelease:\n  command: [migrate]\n",
         [("web", "gunicorn a:b"), ("worker", "celery worker"), ("release", "migrate")]),
        ("fly.toml", 'kill_timeout = 30\n[processes]\napp = "gunicorn a:b"\n[deploy]\nrelease_command = "migrate"\n',
         [("app", "gunicorn a:b"), ("release", "migrate")]),
        ("render.yaml", "services:\n  - {type: web, name: api, startCommand: gunicorn a:b}\n  - {type: redis, name: r}\n",
         [("api", "gunicorn a:b")]),
        ("railway.toml", '[deploy]\nstartCommand = "gunicorn a:b"\n', [("web", "gunicorn a:b")]),
        ("railway.json", '{\n\t"deploy": {"startCommand": "gunicorn a:b"}}', [("web", "gunicorn a:b")]),
        ("nixpacks.toml", '[start]\ncmd = "gunicorn a:b"\n', [("web", "gunicorn a:b")]),
        ("app.yaml", "runtime: python312\nentrypoint: gunicorn a:b\n", [("web", "gunicorn a:b")]),
        (".do/app.yaml", "services:\n  - {name: api, run_command: gunicorn a:b}\n", [("api", "gunicorn a:b")]),
        (".platform.app.yaml", "web:\n  commands:\n    start: gunicorn a:b\n", [("web", "gunicorn a:b")]),
        ("apprunner.yaml", "run:\n  command: gunicorn a:b\n", [("web", "gunicorn a:b")]),
        ("ops/manifest.yml", "applications:\n- name: a\n  command: gunicorn a:b\n  processes:\n  - {type: worker, command: work}\n",
         [("a", "gunicorn a:b"), ("a-worker", "work")]),
        ("deploy/site.service", "[Service]\nExecStart=/venv/bin/gunicorn a:b \\\n  --workers 2\n",
         [("site", "/venv/bin/gunicorn a:b --workers 2")]),
        ("deploy/sv.conf", "[program:web]\ncommand=gunicorn a:b ; main\nenvironment=A=\"1\"\n", [("web", "gunicorn a:b")]),
    ],
)  # fmt: skip
def test_platforms_and_supervisors(path: str, text: str, expected: list[tuple[str, str]]) -> None:
    found = declared({path: text.encode()}).process_types
    assert sorted((each.name, each.command) for each in found) == sorted(expected)
    assert all(each.place.path == path and each.place.line >= 1 for each in found)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("app.json", '{"formation": {"web": {"quantity": 2}}}', ("replicas", "web", "2")),
        ("fly.toml", 'kill_signal = "SIGINT"\n', ("stop-signal", None, "SIGINT")),
        ("fly.toml", '[mounts]\nsource = "d"\ndestination = "/data"\n', ("read-write-once", None, "d:/data")),
        ("render.yaml", "services:\n  - {name: a, startCommand: x, disk: {mountPath: /d}}\n", ("read-write-once", "a", "/d")),
        ("render.yaml", "services:\n  - {name: a, startCommand: x, scaling: {minInstances: 1, maxInstances: 4}}\n",
         ("autoscaler", "a", "1-4")),
        ("railway.toml", "[deploy]\nnumReplicas = 2\n", ("replicas", "web", "2")),
        ("manifest.yml", "applications:\n- {name: a, command: x, instances: 3}\n", ("replicas", "a", "3")),
        ("a.service", "[Service]\nExecStart=x\nKillSignal=SIGQUIT\n", ("stop-signal", "a", "SIGQUIT")),
        ("a.service", "[Service]\nExecStart=x\nType=forking\n", ("forking", "a", "forking")),
        ("nginx.conf", "upstream x {\n  ip_hash;\n}\n", ("sticky-sessions", None, "ip_hash;")),
        ("haproxy.cfg", "backend b\n  balance source\n", ("sticky-sessions", None, "balance source")),
        ("haproxy.cfg", "backend b\n  cookie SRV insert indirect\n", ("sticky-sessions", None, "cookie SRV insert indirect")),
        ("lb.tf", 'resource "aws_lb_target_group" "x" {\n  stickiness {\n    type = "lb_cookie"\n  }\n}\n',
         ("sticky-sessions", None, "stickiness")),
    ],
)  # fmt: skip
def test_settings_of_platforms(path: str, text: str, expected: tuple[str, str | None, str]) -> None:
    assert expected in settings({path: text.encode()})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nginx.conf", "# ip_hash;\n"),
        ("haproxy.cfg", "backend b\n  balance roundrobin\n"),
        ("lb.tf", "  stickiness {\n    enabled = false\n  }\n"),
        ("app.conf", "ip_hash;\n"),
    ],
)
def test_no_sticky_sessions(path: str, text: str) -> None:
    assert settings({path: text.encode()}) == set()


def test_a_procfile_comes_first_and_the_others_stand_beside_it() -> None:
    found = declared(
        {
            "Procfile": "web: gunicorn a:b\n",
            "Dockerfile": 'FROM python\nCMD ["x"]\n',
            "app.json": '{"formation": {"web": {"quantity": 4}}, "env": {"A": "1", "B": {"required": true}}}',
        }
    )
    assert [(each.name, each.declared_in, each.replicas) for each in found.process_types] == [
        ("web", "Procfile", 4)
    ]
    assert [(each.name, each.declared_in) for each in found.other_process_types] == [
        ("container (Dockerfile)", "Dockerfile")
    ]
    assert found.variables == {"A": "1", "B": None}


def test_further_declarations_are_called_after_their_manifest() -> None:
    service = "services:\n  web: {build: ., command: x, container_name: y}\n"
    found = declared({"Procfile": "web: a", "compose.yml": service, "b/compose.yml": service})
    assert [each.name for each in found.other_process_types] == ["web (compose)", "web (b/compose.yml)"]
    assert [each.process for each in found.settings] == ["web (b/compose.yml)", "web (compose)"]
    alone = declared({"compose.yml": service})
    assert [each.name for each in alone.process_types] == ["web"]
    assert [each.process for each in alone.settings] == ["web"]
    beside = declared({"compose.yml": service, "compose.dev.yml": service})
    assert [each.process for each in beside.settings] == ["web (compose)", "web"]


def test_without_a_procfile_one_kind_of_manifest_counts() -> None:
    found = declared({"fly.toml": '[processes]\nweb = "a"\n', "Dockerfile": 'FROM python\nCMD ["x"]\n'})
    assert [each.declared_in for each in found.process_types] == ["fly.toml"]
    assert [each.declared_in for each in found.other_process_types] == ["Dockerfile"]


def test_development_manifests_count_only_where_nothing_else_does() -> None:
    compose: Files = {"compose.dev.yml": "services:\n  web: {build: ., command: run}\n"}
    assert [each.development for each in declared(compose).process_types] == [True]
    both = declared({**compose, "Dockerfile": 'FROM python\nCMD ["x"]\n'})
    assert [each.development for each in both.process_types] == [False]


@pytest.mark.parametrize(
    ("command", "restart", "override", "development"),
    [
        ("rq worker", "", "", False),
        ("rq worker", "", "docker-compose.override.yml", True),
        ("rq worker", "always", "docker-compose.override.yml", False),
        ("/app/start-dev.sh", "always", "", True),
        ("/usr/local/bin/rq worker", "", "", False),
        ("gunicorn app:dev", "", "", False),
    ],
)
def test_compose_files_for_developers(command: str, restart: str, override: str, development: bool) -> None:
    service = f"services:\n  a:\n    build: .\n    command: {command}\n"
    files: Files = {"docker-compose.yml": service + (f"    restart: {restart}\n" if restart else "")}
    if override:
        files[override] = "services: {}\n"
    assert [each.development for each in declared(files).process_types] == [development]


def test_development_values_are_not_the_deployments() -> None:
    text = "services:\n  web: {build: ., command: run, environment: {DEBUG: '1'}}\n"
    assert declared({"docker-compose.dev.yml": text}).variables == {}
    assert declared({"docker-compose.yml": text}).variables == {"DEBUG": "1"}


@given(
    st.sampled_from(
        ["Dockerfile", "compose.yml", "k.yaml", "app.json", "fly.toml", "render.yaml", "heroku.yml", "nixpacks.toml",
         "railway.json", "app.yaml", "x.service", "sv.conf", "nginx.conf", ".do/app.yaml", ".env.production"]
    ),
    st.lists(
        st.sampled_from(
            ["services:", "  web:", "build: .", "command: [a, 'b']", "apiVersion: v1", "kind: Deployment", "spec:", "FROM a",
             "CMD [", 'CMD ["x"]', "ENTRYPOINT x", "COPY a b", "COPY --from=q x y", "ENV A", "ENV A=", "[processes]", "a = 1",
             "- b", "&a", "*a", "<<: *a", "{", "}", "]", "[program:x]", "command=", "[Service]", "ExecStart=a \\", "\\", "\t", "x: [",
             "VOLUME", "SHELL [", "env:", "- name: 1", "USER a", "<<EOF", "\x00", "é", "? a", "- - -", "!!binary x"]
        ),
        max_size=12,
    ),
)  # fmt: skip
def test_no_text_raises(path: str, lines: list[str]) -> None:
    declared({path: "\n".join(lines).encode(), "a.py": ""})
