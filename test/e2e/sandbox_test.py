#!/usr/bin/env python3
"""The first minute with postrider: start the sandbox, send a message with a client everybody has,
find it in a mailbox, read its story."""

import base64
import contextlib
import os
import subprocess

from harness import POSTRIDER, Process, directory, main, queue_id, test, wait_for

PASSWORD = "testpass"


@contextlib.contextmanager
def sandbox():
    with directory() as path:
        process = Process([POSTRIDER, "sandbox", "--dir", str(path / "box")], path / "log", ready="ready")
        process.box = path / "box"
        try:
            yield process
        finally:
            assert process.stop() == 0, process.log()


def swaks(*arguments, server="127.0.0.1:2587"):
    return subprocess.run(["swaks", "--server", server, "--from", "carol@elsewhere.test", "--to", "dave@anywhere.test",
                           *arguments], capture_output=True, text=True, timeout=60, check=False)


def delivered(box):
    return [path for path in (box / "mail").rglob("new/*") if path.is_file()]


def secrets():
    """What must not be on the disk: the password, and it as AUTH LOGIN and PLAIN carry it."""
    yield PASSWORD.encode()
    for before in (b"", b"\0testuser\0", b"testuser\0testuser\0"):
        encoded = base64.b64encode(before + PASSWORD.encode()).rstrip(b"=")
        yield encoded[:-1] # the last character depends on what follows


@test
def a_message_submitted_with_a_login_lies_unchanged_in_a_mailbox():
    with sandbox() as server:
        body = "Line one\n.a line that begins with a dot\n\nThe end – in UTF-8."
        done = swaks("--tls", "--auth", "LOGIN", "--auth-user", "testuser", "--auth-password", PASSWORD,
                     "--header", "Subject: the first one", "--body", body)
        assert done.returncode == 0, done.stdout + done.stderr
        for line in ("334 VXNlcm5hbWU6", "235 2.7.0 Authentication successful",
                     "354 End data with <CR><LF>.<CR><LF>", "250 2.0.0 Ok: queued as ", "221 2.0.0"):
            assert line in done.stdout, (line, done.stdout)
        message_id = queue_id(done.stdout)
        wait_for(lambda: delivered(server.box), "the message in a mailbox")
        [path] = delivered(server.box)
        text = path.read_text()
        assert "Subject: the first one\n" in text
        assert text.rstrip("\n").endswith(body), text
        assert "\r" not in text
        assert "Return-Path: <carol@elsewhere.test>\n" in text
        assert "Delivered-To: dave@anywhere.test\n" in text
        story = subprocess.run([POSTRIDER, "trace", message_id, "--dir", str(server.box)],
                               capture_output=True, text=True, timeout=60, check=True).stdout
        for piece in ("carol@elsewhere.test", "dave@anywhere.test", "<redacted>", "queued as " + message_id,
                      "testuser", "delivered"):
            assert piece in story, (piece, story)
        assert "the first one" not in story, "the story holds no content"


@test
def the_password_is_nowhere_on_the_disk():
    with directory() as path:
        process = Process([POSTRIDER, "sandbox", "--dir", str(path / "box")], path / "log", ready="ready")
        for mechanism in ("LOGIN", "PLAIN"):
            done = swaks("--tls", "--auth", mechanism, "--auth-user", "testuser", "--auth-password", PASSWORD)
            assert done.returncode == 0, done.stdout + done.stderr
            wrong = swaks("--tls", "--auth", mechanism, "--auth-user", "testuser", "--auth-password", PASSWORD + "x")
            assert "535 5.7.8" in wrong.stdout, wrong.stdout
        wait_for(lambda: len(delivered(path / "box")) == 2, "two messages")
        assert process.stop() == 0
        looked = 0
        for file in path.rglob("*"):
            if file.is_file():
                looked += 1
                content = file.read_bytes()
                for secret in secrets():
                    assert secret not in content, f"{secret} is in {file}"
        assert looked > 5


@test
def implicit_tls_and_the_mx_service_take_mail_too():
    with sandbox() as server:
        for options, port in ((["--tls-on-connect", "--auth", "PLAIN", "--auth-user", "testuser",
                                "--auth-password", PASSWORD], 2465), ([], 2525), (["--tls"], 2525)):
            done = swaks(*options, server=f"127.0.0.1:{port}")
            assert done.returncode == 0, done.stdout + done.stderr
            queue_id(done.stdout)
        wait_for(lambda: len(delivered(server.box)) == 3, "three messages")


@test
def submission_without_a_login_is_refused():
    with sandbox():
        done = swaks("--tls")
        assert "530 5.7.0" in done.stdout, done.stdout


@test
def postrider_send_talks_to_the_sandbox():
    with sandbox() as server:
        with directory() as path:
            attachment = path / "note.txt"
            attachment.write_text("attached\n")
            done = subprocess.run([POSTRIDER, "send", "--server", "127.0.0.1:2587", "--tls", "starttls",
                                   "--auth", f"testuser:{PASSWORD}", "--from", "a@b.test", "--to", "c@d.test",
                                   "--to", "e@f.test", "--subject", "hello", "--text", "hi there",
                                   "--attach", str(attachment)],
                                  capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert PASSWORD not in done.stdout and "<redacted>" in done.stdout
        queue_id(done.stdout)
        wait_for(lambda: len(delivered(server.box)) == 2, "a copy for each recipient")
        refused = subprocess.run([POSTRIDER, "send", "--server", "127.0.0.1:2587", "--tls", "starttls",
                                  "--from", "a@b.test", "--to", "c@d.test", "--text", "hi"],
                                 capture_output=True, text=True, timeout=60, check=False)
        assert refused.returncode == 1, refused


@test
def a_second_sandbox_in_the_same_directory_names_the_first():
    with sandbox() as server:
        done = subprocess.run([POSTRIDER, "sandbox", "--dir", str(server.box)], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 1
        assert str(server.process.pid) in done.stderr, done.stderr


os.environ.setdefault("XDG_STATE_HOME", "/nonexistent")
main()
