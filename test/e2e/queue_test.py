#!/usr/bin/env python3
"""The hands that steer the queue of a running server, and what is left of it after kill -9."""

import os
import signal

from harness import Server, directory, main, queue_id, test, wait_for

ROUTES = '''
route "held.test" { via = "hold" }
route "*" { via = "smtp:127.0.0.1:9" tls = none }
'''


def submit(server, *recipients, sender="host@inside.test"):
    with server.client() as client:
        client.mail(sender)
        for recipient in recipients:
            code, words = client.rcpt(recipient)
            assert code == 250, (code, words)
        return queue_id(client.data(b"Subject: x\r\n\r\nx\r\n")[1])


def queue_server(path, **options):
    return Server(path, text='relay { from = {"127.0.0.1"} }', routes=ROUTES, **options)


def await_state(server, state, count=1):
    return wait_for(lambda: (lambda rows: rows if len(rows) == count else None)(server.queue("--state", state)),
                    f"{count} recipients {state}")


@test
def list_and_show_tell_who_waits_and_why():
    with directory() as path, queue_server(path) as server:
        message_id = submit(server, "a@away.test", "b@held.test")
        await_state(server, "waiting")
        await_state(server, "held")
        text = server.run("queue", "list", "-c", server.config).stdout
        assert message_id in text and "a@away.test" in text and "connection refused" in text, text
        text = server.run("queue", "show", message_id, "-c", server.config).stdout
        assert "a@away.test" in text and "b@held.test" in text
        assert [row["recipient"] for row in server.queue("--domain", "held.test")] == ["b@held.test"]
        assert [row["recipient"] for row in server.queue("--recipient", "a@away.test")] == ["a@away.test"]
        assert len(server.queue("--sender", "@inside.test")) == 2
        assert server.queue("--sender", "other@inside.test") == []
        assert server.queue("--older-than", "1h") == []


@test
def hold_release_and_drop_work_by_id_recipient_and_filter():
    with directory() as path, queue_server(path) as server:
        first, second = submit(server, "a@away.test", "b@away.test"), submit(server, "c@away.test")
        await_state(server, "waiting", 3)
        server.run("queue", "hold", f"{first}/2", "-c", server.config)
        [held] = await_state(server, "held")
        assert held["recipient"] == "b@away.test"
        server.run("queue", "hold", "--domain", "away.test", "-c", server.config)
        await_state(server, "held", 3)
        server.run("queue", "release", second, "-c", server.config)
        await_state(server, "held", 2)
        server.run("queue", "drop", f"{first}/1", "-c", server.config)
        await_state(server, "held", 1)
        done = server.run("queue", "drop", "--domain", "away.test", "-c", server.config, check=False)
        assert done.returncode == 2 and "2 recipients" in done.stdout and str(server.state) in done.stdout, done
        server.run("queue", "drop", "--domain", "away.test", "--yes", "-c", server.config)
        assert wait_for(lambda: server.queue() == [], "an empty queue")
        assert "dropped" in server.trace(first)


@test
def retry_tries_at_once():
    with directory() as path, queue_server(path) as server:
        message_id = submit(server, "a@away.test")
        [row] = await_state(server, "waiting")
        assert row["attempts"] == 1
        server.run("queue", "retry", message_id, "-c", server.config)
        wait_for(lambda: server.queue()[0]["attempts"] == 2, "a second attempt")


@test
def a_command_that_names_nothing_is_wrong_usage():
    with directory() as path, queue_server(path) as server:
        for verb in ("retry", "hold", "release", "drop"):
            assert server.run("queue", verb, "-c", server.config, check=False).returncode == 2
        done = server.run("queue", "hold", "0123456789AB", "-c", server.config, check=False)
        assert done.returncode == 1 and "no such message" in done.stderr
        assert server.run("queue", "show", "not-an-id", "-c", server.config, check=False).returncode == 1


@test
def attempts_due_times_and_holds_survive_kill_9():
    with directory() as path, queue_server(path) as server:
        waiting, held = submit(server, "a@away.test"), submit(server, "b@away.test")
        await_state(server, "waiting", 2)
        server.run("queue", "retry", waiting, "-c", server.config)
        wait_for(lambda: [row["attempts"] for row in server.queue("--recipient", "a@away.test")] == [2], "a second attempt")
        server.run("queue", "hold", held, "-c", server.config)
        [before] = server.queue("--recipient", "a@away.test")
        engine = server.engine_pid()
        os.kill(engine, signal.SIGKILL)
        wait_for(lambda: server.engine_pid() not in (None, engine), "a new engine")
        [after] = wait_for(lambda: server.queue("--recipient", "a@away.test"), "the queue")
        assert (after["attempts"], after["due"], after["state"]) == (2, before["due"], "waiting"), (before, after)
        [row] = server.queue("--state", "held")
        assert row["recipient"] == "b@away.test"


@test
def without_a_server_commands_say_so_with_75():
    with directory() as path:
        server = queue_server(path)
        for command in (("queue", "list"), ("trace", "0123456789AB")):
            done = server.run(*command, "-c", server.config, check=False)
            assert done.returncode == 75 and "no server is running" in done.stderr, done


@test
def what_has_waited_too_long_is_bounced():
    with directory() as path, queue_server(path) as server:
        server.config.write_text(server.config.read_text() + "\nretry { first = 1s max = 1s warn = 1s expire = 3s }\n")
        server.stop()
        server.start()
        message_id = submit(server, "a@away.test")
        wait_for(lambda: server.queue() == [], "the end", 30)
        story = server.trace(message_id)
        assert "bounced" in story and "expire" in story, story


main()
