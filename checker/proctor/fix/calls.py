"""Recipes that change one call or one assignment of Python source."""

from __future__ import annotations

from fnmatch import fnmatchcase

import libcst as cst

from proctor.fix.apply import overlap
from proctor.fix.asked import Asked, Offer
from proctor.fix.imports import drop_unused, use_module
from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.model.finding import Edit


def await_instead(asked: Asked) -> Offer:
    """A blocking call in a coroutine becomes `await MODULE.FUNCTION(…)` with the same arguments (`options.module`,
    `options.function`)."""
    code = asked.code
    call = code.call_at(asked.finding.place)
    if not isinstance(code.parent(call), cst.Expr):
        raise Declined("the result of the call is used")
    _check_coroutine(code, call)
    module = asked.option("module")
    name, imports = use_module(code, module)
    start, end = code.span(call)[0], code.span(call.func)[1]
    edit = code.source.edit(start, end, f"await {name}.{asked.option('function')}")
    return Offer(_together((*imports, edit), drop_unused(code, call.func)))


def _together(edits: tuple[Edit, ...], unused: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits, with those that only tidy up where they are not in the way."""
    free = [each for each in unused if not any(overlap(each, other) for other in edits)]
    return (*edits, *free)


def _check_coroutine(code: Code, node: cst.CSTNode) -> None:
    for above in code.parents(node):
        if isinstance(above, cst.FunctionDef):
            if above.asynchronous is None:
                raise Declined("the call stands in a function that cannot await")
            return
        if isinstance(above, cst.With) and above.asynchronous is None:
            # other tasks would run while what is held (a lock, a transaction) is held
            raise Declined("the call stands in a `with` block, which other tasks would then interrupt")
        if isinstance(above, cst.Lambda | cst.ClassDef | cst.BaseComp):
            break
    raise Declined("the call stands in no coroutine")


def add_argument(asked: Asked) -> Offer:
    """A keyword argument is added to a call. `options.arguments` pairs patterns of symbols with the argument's name;
    `options.value` is its value."""
    code = asked.code
    call = code.call_at(asked.finding.place)
    known: dict[str, str] = asked.options.get("arguments", {})
    name = next(
        (each for pattern, each in known.items() if fnmatchcase(asked.finding.subject, pattern)), None
    )
    if name is None:
        raise Declined(f"how `{asked.finding.subject}` is given a time-out is not known")
    if any(each.star for each in call.args):
        raise Declined("the call's arguments are spread from a variable")
    if any(each.keyword is not None and each.keyword.value == name for each in call.args):
        raise Declined(f"the call has the argument `{name}` already")
    return Offer((with_argument(code, call, f"{name}={asked.option('value')}"),))


def with_argument(code: Code, call: cst.Call, argument: str) -> Edit:
    """The edit that puts an argument behind the others, on a line of its own where they stand so."""
    source = code.source
    close = code.span(call)[1] - 1
    if not call.args:
        if source.text[code.span(call.func)[1] : close].strip("() \t\r\n"):
            raise Declined("a comment stands between the brackets")
        return source.edit(close, close, argument)
    last = call.args[-1]
    if isinstance(last.value, cst.GeneratorExp) and not last.value.lpar and len(call.args) == 1:
        raise Declined("the call's only argument is a generator without brackets of its own")
    end = code.span(last.value)[1]
    for _ in last.value.rpar:
        end = source.text.index(")", end) + 1
    comma = isinstance(last.comma, cst.Comma)
    start = code.span(last)[0]
    own_line = not source.text[source.line_start(start) : start].strip()
    lead = "\n" + source.indent(start) if own_line else " "
    if comma:
        at = source.text.index(",", end) + 1
        return source.edit(at, at, f"{lead}{argument},")
    return source.edit(end, end, f",{lead}{argument}")


def read_environment(asked: Asked) -> Offer:
    """The value of an assignment becomes `os.environ["NAME"]`, the name being that of what is assigned, in capitals."""
    code = asked.code
    target = code.at(asked.finding.place, cst.AssignTarget)
    statement = code.parent(target)
    name = asked.finding.subject.upper()
    if not isinstance(statement, cst.Assign) or len(statement.targets) != 1:
        raise Declined("it is no assignment to one name")
    if not name.isidentifier():
        raise Declined("no name for the variable is to be seen")
    module, imports = use_module(code, "os")
    quote = "'" if _single_quotes(code) else '"'
    start, end = code.span(statement.value)
    edit = code.source.edit(start, end, f"{module}.environ[{quote}{name}{quote}]")
    unused = () if module in code.text(statement.value) else drop_unused(code, statement.value)
    return Offer(_together((*imports, edit), unused))


def _single_quotes(code: Code) -> bool:
    """Whether the file writes most of its texts in single quotes."""
    texts = [each.value for each in code.nodes(cst.SimpleString) if len(each.quote) == 1]
    return sum(text.endswith("'") for text in texts) > len(texts) / 2


def number_from_environment(asked: Asked) -> Offer:
    """A number that a configuration file in Python assigns comes from the variable `options.variable`, the number being
    its default."""
    code = asked.code
    target = code.at(asked.finding.place, cst.AssignTarget)
    statement = code.parent(target)
    if not isinstance(statement, cst.Assign) or not isinstance(statement.value, cst.Integer):
        raise Declined("the value is no number")
    module, imports = use_module(code, "os")
    quote = "'" if _single_quotes(code) else '"'
    start, end = code.span(statement.value)
    number = code.text(statement.value)
    text = f"int({module}.environ.get({quote}{asked.option('variable')}{quote}, {number}))"
    return Offer((*imports, code.source.edit(start, end, text)))
