"""The command line: the same use cases as the service, for terminals and scripts.

Answers go to standard output, everything else to standard error. Exit codes: 0 done; 1 done, but something was refused or found
wrong; 2 not done, with the reason; 3 not done, since somebody else changed the outage first; 4 not done, since the account or its
role does not permit it.

GRIDNOTICE_STORE, GRIDNOTICE_NETWORK and GRIDNOTICE_AS stand for --store, --network and --as. A repeated command with the same
--key has no further effect.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from api.commands import audit, changes, delivery, messages, networks, people, questions, scope, stores


class Mending(TyperGroup):
    """A group whose errors that a person can mend are said in words, without a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run what was asked for."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise  # usage, and ends that are meant: typer's own
        except Exception as error:
            from api.commands.mendable import MENDABLE, exit_code

            if not isinstance(error, MENDABLE):
                raise
            typer.echo(f"gridnotice: {error}", err=True)
            raise typer.Exit(exit_code(error)) from error


app = typer.Typer(
    name="gridnotice",
    cls=Mending,
    help="From a switch that opens to the words people read: outage impact, notices and maps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for module in (networks, questions, stores, delivery):
    module.add_to(app)
for group in (changes.app, messages.app, scope.app, people.account, people.token, audit.app, stores.app):
    app.add_typer(group)


def main() -> None:
    """Run the command line."""
    app()
