"""Where the page is served: on this machine without a token, elsewhere only with one."""

import pytest

from bootstrap.errors import UsageError
from bootstrap.review.serve import Address, address_of, listen


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
