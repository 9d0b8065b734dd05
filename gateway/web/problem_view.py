"""A problem of the configuration as the page shows it."""

from gateway.config import describe
from gateway.config.problem import Problem
from gateway.web.configuration_shapes import ProblemView


def problem_view(found: Problem) -> ProblemView:
    """Taken apart where it has the usual form."""
    got, expected, mean = describe.parts(found)
    return ProblemView(
        file=found.file,
        line=found.line,
        column=found.column,
        path=found.path,
        message=found.message,
        got=got,
        expected=expected,
        mean=mean,
        device=found.device,
    )
