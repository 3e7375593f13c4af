#!/usr/bin/env python3
"""Start, reload, restart, stop: clients wait a moment and are not refused, nothing is lost."""

import contextlib
import os
import signal
import smtplib
import subprocess

from harness import (POSTRIDER, Raw, Server, directory, free_port, main, message, queue_id, test, wait_for)


@test
def sigterm_ends_sessions_at_the_next_boundary_and_exits_0():
    with directory() as path:
        server = Server(path).start()
        with Raw(server.mx) as idle:
            idle.ask("EHLO idle.test")
            server.process.process.send_signal(signal.SIGTERM)
            assert idle.reply().startswith("421 4.3.2")
        assert server.stop() == 0


@test
def a_message_in_transfer_at_sigterm_is_finished():
    with directory() as path:
        server = Server(path).start()
        with Raw(server.mx) as client:
            for line in ("EHLO busy.test", "MAIL FROM:<carol@elsewhere.test>", "RCPT TO:<alice@example.org>", "DATA"):
                client.ask(line)
            client.send(b"Subject: half\r\n\r\nfirst half\r\n")
            with Raw(server.mx) as idle:
                server.process.process.send_signal(signal.SIGTERM)
                assert idle.reply().startswith("421")  # by now it is draining
            reply = client.ask(b"second half\r\n.\r\n")
            queue_id(reply)
        assert server.stop() == 0
        server.start()
        wait_for(lambda: len(server.mailbox("alice")) == 1, "the message, perhaps after the restart")
        server.stop()


@test
def a_second_server_on_the_same_state_exits_1_and_names_the_first():
    with directory() as path, Server(path) as server:
        done = server.run("serve", "-c", server.config, check=False)
        assert done.returncode == 1
        assert str(server.process.process.pid) in done.stderr, done.stderr


@test
def a_killed_engine_is_replaced_and_clients_are_not_refused():
    with directory() as path, Server(path) as server:
        first = server.engine_pid()
        os.kill(first, signal.SIGKILL)
        with server.client() as client:  # connects at once, is greeted when the next engine serves
            client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(1))
        assert server.engine_pid() not in (None, first)
        wait_for(lambda: len(server.mailbox("alice")) == 1, "the message")


@test
def the_engine_dies_with_its_parent():
    with directory() as path:
        server = Server(path).start()
        engine = server.engine_pid()
        server.process.process.kill()
        server.process.process.wait()

        def gone():
            with contextlib.suppress(ProcessLookupError):
                os.kill(engine, 0)
                return False
            return True
        wait_for(gone, "the engine to end")
        server.process.stop()
        server.start()
        server.stop()


@test
def sighup_takes_a_new_configuration_without_refusing_anyone():
    with directory() as path, Server(path) as server:
        text = server.config.read_text()
        port = free_port()
        server.config.write_text(text.replace('{"alice", "bob"}', '{"alice", "bob", "newcomer"}') +
                                 f'\nlistener more {{ bind = {{"127.0.0.1:{port}"}} service = mx }}\n')
        first = server.engine_pid()
        server.process.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.engine_pid() not in (None, first), "the new engine")
        for at in (server.mx, port):
            with server.client(at) as client:
                client.sendmail("carol@elsewhere.test", ["newcomer@example.org"], message(at))
        wait_for(lambda: len(server.mailbox("newcomer")) == 2, "both messages")


@test
def a_mistake_in_the_new_configuration_leaves_the_server_as_it_is():
    with directory() as path, Server(path) as server:
        text = server.config.read_text()
        first = server.engine_pid()
        server.config.write_text(text + "\nlimitz { recipients = 3 }\n")
        server.process.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "limitz" in server.process.log(), "the complaint")
        with server.client() as client:
            client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(1))
        assert server.engine_pid() == first


@test
def a_configuration_with_mistakes_does_not_start_and_names_each():
    with directory() as path:
        server = Server(path)
        text = server.config.read_text()
        server.config.write_text(text + '\nlimits { message_size = 5x  recipient = 3 }\nhostnam = "x"\n')
        done = server.run("serve", "-c", server.config, check=False)
        assert done.returncode == 2
        for piece in ("message_size", "recipients", "hostname"):
            assert piece in done.stderr, done.stderr
        checked = server.run("config", "check", "-c", server.config, check=False)
        assert checked.returncode == 2 and checked.stdout.count(f"{server.config}:") >= 3, checked.stdout


@test
def a_port_in_use_is_named():
    with directory() as path, Server(path) as server, directory() as other_path:
        other = Server(other_path)
        other.config.write_text(other.config.read_text().replace(str(other.mx), str(server.mx)))
        done = other.run("serve", "-c", other.config, check=False)
        assert done.returncode == 1 and f"127.0.0.1:{server.mx}" in done.stderr, done.stderr


@test
def started_as_root_the_engine_becomes_the_user():
    if os.geteuid() != 0:
        return
    with directory() as path:
        server = Server(path)
        (path / "mail").mkdir(mode=0o777)
        (path / "mail").chmod(0o777)
        server.config.write_text(server.config.read_text().replace('user = "root"', 'user = "nobody"'))
        with server:
            status = open(f"/proc/{server.engine_pid()}/status", encoding="ascii").read()
            uid = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
            assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status, status
            assert "NoNewPrivs:\t1" in status
            with server.client() as client:
                client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(1))
            wait_for(lambda: len(server.mailbox("alice")) == 1, "the message")


@test
def a_user_that_does_not_exist_is_named_with_what_to_do():
    if os.geteuid() != 0:
        return
    with directory() as path:
        server = Server(path)
        server.config.write_text(server.config.read_text().replace('user = "root"', 'user = "nosuchuser"'))
        done = server.run("serve", "-c", server.config, check=False)
        assert done.returncode == 1 and "nosuchuser" in done.stderr and "adduser" in done.stderr, done.stderr


@test
def too_many_connections_from_one_address_are_refused_for_that_address_only():
    with directory() as path, Server(path, limits="limits { connections_per_ip = 3 }") as server:
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(Raw(server.mx))
            with Raw(server.mx) as fourth:
                assert fourth.banner.startswith("421 4.7.0"), fourth.banner
            with smtplib.SMTP("127.0.0.1", server.mx, timeout=60, source_address=("127.0.0.9", 0)) as other:
                assert other.noop()[0] == 250

        def admitted():
            with Raw(server.mx) as again:
                return again.banner.startswith("220")
        wait_for(admitted, "places to be free again")


@test
def help_and_version_are_everywhere():
    for command in ((), ("serve",), ("sandbox",), ("config",), ("queue",), ("trace",), ("send",), ("account",)):
        done = subprocess.run([POSTRIDER, *command, "--help"], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0 and "usage:" in done.stdout, command
    done = subprocess.run([POSTRIDER, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("postrider ")
    for wrong in (("nonsense",), ("queue", "--nonsense"), ("queue", "list", "--limt", "3"), ("trace",), ("send",)):
        done = subprocess.run([POSTRIDER, *wrong], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2, (wrong, done)


main()
