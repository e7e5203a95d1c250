"""The recipes by the names that rules give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proctor.fix import calls, commands, handlers, loops, messages, programs, statements, waits
from proctor.fix.asked import Asked, Offer

Recipe = Callable[[Asked], Offer]


def _by_file(in_shell: Recipe, in_python: Recipe) -> Recipe:
    def choose(asked: Asked) -> Offer:
        return (in_python if asked.finding.place.path.endswith(".py") else in_shell)(asked)

    return choose


RECIPES: Mapping[str, Recipe] = {
    "put-exec": commands.put_exec,
    "split-off": commands.split_off,
    "move-out": commands.move_out,
    "number-from-variable": _by_file(commands.take_from_variable, calls.number_from_environment),
    "listen-on": commands.listen_on,
    "await-instead": calls.await_instead,
    "add-argument": calls.add_argument,
    "read-environment": calls.read_environment,
    "keep-task": statements.keep_task,
    "let-through": statements.let_through,
    "stop-loop": loops.stop_loop,
    "bound-wait": waits.bound_wait,
    "exit-on-signal": handlers.exit_on_signal,
    "set-in-main-thread": handlers.set_in_main_thread,
    "heed-signal": handlers.heed_signal,
    "acknowledge-after": messages.acknowledge_after,
    "part-programs": programs.part_programs,
    "serve-properly": programs.serve_properly,
    "hold-in-block": statements.hold_in_block,
}
