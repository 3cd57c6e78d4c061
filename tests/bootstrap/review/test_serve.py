"""Where the page is served: on this machine without a token, elsewhere only with one."""

import asyncio
import contextlib

import pytest
import uvicorn
from starlette.testclient import TestClient
from uvicorn.server import ServerState

from bootstrap.errors import UsageError
from bootstrap.review.connections import BoundedConnection
from bootstrap.review.serve import Address, address_of, listen
from bootstrap.review.web_app import build


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_needs_no_token(host):
    address = address_of(host, 8384)
    assert address.token == ""
    assert "localhost:8384" in address.hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "mybox.lan"])
def test_any_other_address_carries_a_token_of_its_own(host):
    one, other = address_of(host, 8384), address_of(host, 8384)
    assert len(one.token) >= 32
    assert one.token != other.token
    assert one.url.endswith(f"?token={one.token}")


def test_a_port_that_is_taken_is_told_in_a_line(store, call):
    taken = listen(Address("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    with pytest.raises(UsageError, match=f'cannot serve at "127.0.0.1:{port}"'):
        listen(Address("127.0.0.1", port))
    done = call("review", store.directory, "--port", port)
    assert (done.code, "choose another --port" in " ".join(done.err.split())) == (2, True)
    taken.close()


@pytest.mark.parametrize(
    ("host", "port", "base"),
    [
        ("127.0.0.1", 80, "http://127.0.0.1"),  # a browser leaves this port out
        ("127.0.0.1", 80, "http://localhost:80"),
        ("127.0.0.2", 8384, "http://127.0.0.2:8384"),
        ("127.0.0.2", 80, "http://127.0.0.2"),
        ("::1", 8384, "http://[::1]:8384"),
    ],
)
def test_the_page_opens_where_it_is_served(store, host, port, base):
    app = build(store, address_of(host, port).hosts)
    with TestClient(app, base_url=base) as client:
        assert client.get("/api/frames").status_code == 200
        assert client.get("/api/frames", headers={"host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("host", ["203.0.113.9", "no.such.host.invalid", "a" * 300, "a\0b"])
def test_an_address_that_is_not_this_machines_is_told_in_a_line(host):
    with pytest.raises(UsageError, match="cannot serve at") as refused:
        listen(Address(host, 8384))
    assert "--host" in refused.value.hint


class Hasty(BoundedConnection):
    patience = 0.05


class Few(BoundedConnection):
    most = 3


async def empty_answer(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def started(protocol, app=empty_answer):
    """A server of connections of that kind."""
    config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", timeout_keep_alive=60, log_config=None)
    config.load()
    state = ServerState()
    return await asyncio.get_running_loop().create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)


async def cut(begin):
    """What the server answers to a connection that begins so and then waits."""
    async with await started(Hasty) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(begin)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


REQUESTS = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nhost: a\r\n",
    "half a body": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\n\r\n{",
    "a whole request, half a second": b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HT",
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_connection_that_only_waits_is_cut(kind):
    answer = asyncio.run(cut(REQUESTS[kind]))
    assert answer.count(b"204 No Content") == (kind.startswith("a whole"))


WHOLE = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


async def asked(server, text):
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(text)
    return reader, writer


@pytest.mark.parametrize("kind", ["nothing", "half a head", "half a body"])
def test_many_that_only_wait_keep_nobody_out(kind):
    async def play():
        async with await started(Few) as server:
            held = [await asked(server, REQUESTS[kind]) for _ in range(20)]
            for _ in range(5):
                reader, writer = await asked(server, WHOLE)
                assert b"204 No Content" in await reader.readuntil(b"\r\n\r\n")
                held.append((reader, writer))
            for reader, _ in held[:20]:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
            for _, writer in held:
                writer.close()

    asyncio.run(play())


def test_a_request_that_is_being_answered_is_not_cut_for_new_connections():
    async def play():
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            begun.set()
            await go_on.wait()
            await empty_answer(scope, receive, send)

        async with await started(Few, slow) as server:
            reader, writer = await asked(server, WHOLE)
            await begun.wait()
            others = [await asked(server, b"") for _ in range(9)]
            with contextlib.suppress(ConnectionResetError):
                assert await others[0][0].read() == b""
            go_on.set()
            assert b"204 No Content" in await reader.readuntil(b"\r\n\r\n")
            for _, one in [(reader, writer), *others]:
                one.close()

    asyncio.run(play())
