"""A small server that speaks ComfyUI's protocol, with faults that a test orders: swatches of a reference's colour."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from PIL import Image

WORKFLOW = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 4, "model": ["4", 0]}, "_meta": {"title": "seed"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}, "_meta": {"title": "size"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}, sharp", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}, "_meta": {"title": "Negative"}},
    "8": {"class_type": "LoadImage", "inputs": {"image": "{{reference}}"}},
    "9": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    "10": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
}


class StandIn:
    """The server, in a thread. ``faults`` maps a path to what is done to it next: a status, "half", "lose", "error"…"""

    def __init__(self):
        self.asked, self.uploads, self.prompts, self.history = Counter(), {}, [], {}
        self.queue, self.faults, self.cancelled = [], {}, []
        self.busy = False
        self.size = None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                """Say nothing."""

            def do_GET(self):
                owner.answer(self, None)

            def do_POST(self):
                owner.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler, body):
        path = "/" + urlsplit(handler.path).path.split("/")[1]
        self.asked[path] += 1
        fault = self.faults[path].pop(0) if self.faults.get(path) else None
        if isinstance(fault, int):
            handler.send_error(fault)
            return
        data = getattr(self, f"do_{path.strip('/')}")(handler, body, fault)
        status, data = data if isinstance(data, tuple) else (200, data)
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if fault == "half" else data)

    def do_system_stats(self, handler, body, fault):
        return {"system": {}}

    def do_ws(self, handler, body, fault):
        return 404, {}  # the fall-back is asked of; the socket has a test of its own

    def do_upload(self, handler, body, fault):
        name = body.split(b'filename="')[1].split(b'"')[0].decode()
        self.uploads[name] = body
        return {"name": name, "subfolder": "", "type": "input"}

    def do_prompt(self, handler, body, fault):
        plain = json.loads(body)
        self.prompts.append(plain)
        if fault == "refuse":
            error = {"message": "Value not in list", "details": "ckpt_name: 'no.safetensors' not in []"}
            return 400, {"error": {"message": "no"}, "node_errors": {"6": {"errors": [error]}}}
        id = plain["prompt_id"]
        if fault == "error":
            told = ["execution_error", {"node_id": "3", "exception_message": "out of memory\non this card"}]
            self.history[id] = {"outputs": {}, "status": {"status_str": "error", "messages": [told]}}
        elif fault == "lose":
            pass
        elif self.busy:
            self.queue.append(id)
        else:
            places = {"10": {"images": [{"filename": id, "subfolder": "", "type": "output"}]}}
            shown = {"9": {"images": [{"filename": "preview", "subfolder": "", "type": "temp"}]}}
            self.history[id] = {"outputs": {**shown, **places}, "status": {"status_str": "success"}}
        return {"prompt_id": id, "number": 1, "node_errors": {}}

    def do_history(self, handler, body, fault):
        id = urlsplit(handler.path).path.rpartition("/")[2]
        return {id: self.history[id]} if id in self.history else {}

    def do_queue(self, handler, body, fault):
        if body:
            self.cancelled += json.loads(body)["delete"]
        return {"queue_running": [[1, id] for id in self.queue], "queue_pending": []}

    def do_interrupt(self, handler, body, fault):
        self.cancelled.append(json.loads(body)["prompt_id"])
        return {}

    def do_view(self, handler, body, fault):
        id = parse_qs(urlsplit(handler.path).query)["filename"][0]
        graph = next(one["prompt"] for one in self.prompts if one["prompt_id"] == id)
        size = self.size or (graph["5"]["inputs"]["width"], graph["5"]["inputs"]["height"])
        seed = graph["3"]["inputs"]["seed"]
        image = Image.new("RGB", size, (180 + seed % 60, 40 + seed % 30, 40))
        sent = self.uploads[graph["8"]["inputs"]["image"]]
        with Image.open(io.BytesIO(sent[sent.index(b"\x89PNG") :])) as reference:
            color = reference.convert("RGB").resize((1, 1)).getpixel((0, 0))
        left, top = 2 + seed % (size[0] // 8), 2 + seed // 7 % (size[1] // 8)
        image.paste(color, (left, top, *(side * 7 // 8 for side in size)))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return buffer.getvalue()
