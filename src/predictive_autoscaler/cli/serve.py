"""`serve`: how a group is doing, in a browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from predictive_autoscaler.cli.console import (
    REFRESH_SECONDS,
    AlarmPrefix,
    AsgName,
    Bucket,
    LoadBalancer,
    RefreshInterval,
    Region,
    TargetGroup,
    WatchedFunction,
    check_range,
    end_when_told,
    environment_with,
    group_flags,
    out,
    use_region,
)

DAYS = (1, 14)
PORTS = (0, 65535)


def serve(
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="On 127.0.0.1; 0 takes any that is free. Default: 8765, or any if it is taken.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
    refresh_interval: RefreshInterval = 5,
    days: Annotated[
        int, typer.Option(metavar="DAYS", help="How far the page looks back, 1 to 14.")
    ] = 14,
    what_if: Annotated[
        bool,
        typer.Option(
            "--what-if/--no-what-if",
            help="Compute what other prices of a miss would have cost: minutes of one core, once "
            "a day.",
        ),
    ] = True,
    alarm_prefix: AlarmPrefix = None,
    function: WatchedFunction = None,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
) -> None:
    """Show on a local page how a group is doing, and why.

    The same facts as monitor's, each decision explained, and what another price of a miss
    would have cost. It reads and changes nothing, and this machine alone can open it.
    """
    from predictive_autoscaler.web.desk import Desk
    from predictive_autoscaler.web.pages import make_app
    from predictive_autoscaler.web.question import Question
    from predictive_autoscaler.web.server import listening, run
    from predictive_autoscaler.wiring import aws_lookout

    check_range("--refresh-interval", refresh_interval, *REFRESH_SECONDS)
    check_range("--days", days, *DAYS)
    check_range("--port", port or 0, *PORTS)
    end_when_told()
    use_region(region)
    flags = group_flags(asg_name, load_balancer, target_group, bucket)
    lookout = aws_lookout(
        environment_with(**flags), days, alarm_prefix=alarm_prefix, function=function
    )
    question = Question(lookout.settings) if what_if else None
    desk = Desk(lookout.watch, lookout.decisions, lookout.settings, days, question)
    with listening(port) as sock:
        number = sock.getsockname()[1]
        app = make_app(desk, number, refresh_interval)
        desk.start(refresh_interval)
        address = f"http://127.0.0.1:{number}/"
        out.print(f"{address}  (Ctrl-C ends it)", soft_wrap=True, highlight=False)
        if open_browser:
            webbrowser.open(address)
        run(app, sock)
