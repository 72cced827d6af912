"""`lp-pack studio`: a bundle performing in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from lp_pack.cli.bundle_notice import say_what_it_is
from lp_pack.cli.common import messages, output
from lp_pack.studio.engine_files import PACKAGE, VERSION, install, installed_engine
from lp_pack.studio.server import StudioServer
from lp_runtime.bundle import Bundle

DEFAULT_PORT = 8765


@click.command("studio")
@click.argument("bundle", type=click.Path(path_type=Path), required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Where to serve, on 127.0.0.1 only; 0 takes any free port.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the default browser.")
@click.option(
    "--install",
    "install_engine",
    is_flag=True,
    help=f"First fetch {PACKAGE} {VERSION} with npm into lp-pack's cache (once).",
)
def command(bundle: Path | None, port: int, open_browser: bool, install_engine: bool) -> None:
    """Serve a page on which BUNDLE performs in the browser itself: speak or drop a sound, choose
    emotion, head pose and background, and watch the frames and their rate. The page runs the
    bundle's ONNX graphs with ONNX Runtime for the web; nothing leaves this machine.

    Ctrl-C ends it.
    """
    if install_engine:
        with messages.status(f"fetching {PACKAGE} {VERSION}"):
            output.print(f"installed in {install()}", markup=False)
    if bundle is None:
        if install_engine:
            return
        raise click.UsageError("give the bundle to serve")
    opened = Bundle.open(bundle)
    say_what_it_is(opened.manifest)
    server = StudioServer(opened, installed_engine(), port)
    output.print(f"{opened.manifest.name} performs at {server.url} (Ctrl-C ends it)", markup=False)
    if open_browser:
        webbrowser.open(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        messages.print("ended")
    finally:
        server.server_close()
