"""How `lp-pack build --dry-run` shows what the build would do."""

from __future__ import annotations

from lp_pack.cli.common import messages, output
from lp_pack.cli.tables import make_table, print_table
from lp_pack.forecast import Forecast, StageForecast

ABOUT = {"earlier builds": "as in earlier builds here", "table": "as on the machine of the table"}


def as_dict(forecast: Forecast) -> dict[str, object]:
    """What `--dry-run --json` prints."""
    return {
        "output": str(forecast.output),
        "name": forecast.name,
        "stages": [
            {
                "name": stage.name,
                "reason": stage.reason,
                "state": stage.state,
                "waits_for": list(stage.waits_for),
                "seconds": stage.seconds,
                "seconds_from": stage.seconds_from,
            }
            for stage in forecast.stages
        ],
        "variants": [dict(vars(variant)) for variant in forecast.variants],
        "seconds": round(forecast.seconds, 1),
        "stages_of_unknown_time": list(forecast.unknown),
        "problems": list(forecast.problems),
    }


def print_forecast(forecast: Forecast) -> None:
    """Stages in order, sizes, the sum of the times; problems on standard error."""
    stages = make_table(
        f"{forecast.output}: {forecast.name}, a plan", "stage", "state", "time", "why"
    )
    for stage in forecast.stages:
        stages.add_row(stage.name, _state(stage), _time(stage), stage.reason)
    print_table(stages)
    sizes = make_table("", "variant", "graphs")
    for variant in forecast.variants:
        sign = "" if variant.exact else "about "
        sizes.add_row(
            f"{variant.target} {variant.precision}", f"{sign}{variant.bytes / 1e6:.1f} MB"
        )
    print_table(sizes)
    waiting = [stage for stage in forecast.stages if stage.state != "cached"]
    sources = sorted({ABOUT[stage.seconds_from] for stage in waiting if stage.seconds_from})
    unknown = f"; not known: {', '.join(forecast.unknown)}" if forecast.unknown else ""
    about = f" ({'; '.join(sources)})" if sources else ""
    output.print(
        f"{len(waiting)} of {len(forecast.stages)} stages to run, about "
        f"{forecast.seconds:.0f} s{about}{unknown}",
        markup=False,
    )
    for problem in forecast.problems:
        messages.print("error:", style="bold red", end=" ")
        messages.print(problem, markup=False)


def _state(stage: StageForecast) -> str:
    return f"depends on {', '.join(stage.waits_for)}" if stage.waits_for else stage.state


def _time(stage: StageForecast) -> str:
    if stage.state == "cached":
        return ""
    return "unknown" if stage.seconds is None else f"{stage.seconds:.1f} s"
