"""The studio: a bundle performing in a browser, served by this machine to this machine alone.

`engine_files.py` fetches ONNX Runtime for the web, `server.py` serves it beside the page and the
bundle. In the browser, `main.js` is the page, `worker.js` runs `session.js` (the manifest's
executor), `picture.js` composes what is shown, `sound.js` reads files and the microphone.
"""
