#!/usr/bin/env python3
"""Certificates: by the name that is asked for, renewed while the server serves, and of our own
where the next host asks for one."""

import contextlib
import os
import pathlib
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading

from harness import (PATIENCE_S, Server, any_certificate, directory, free_port, main, make_certificate, message,
                     test, wait_for)


def served(port, host=None, starttls=False, context=None):
    """The certificate, DER, that a client gets who asks for the host."""
    context = context or any_certificate()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
        if starttls:
            for line in (None, b"EHLO test\r\n", b"STARTTLS\r\n"):
                if line:
                    plain.sendall(line)
                said = b""
                while not (said.endswith(b"\r\n") and said.splitlines()[-1][3:4] == b" "):
                    said += plain.recv(4096)
        with context.wrap_socket(plain, server_hostname=host) as encrypted:
            return encrypted.getpeercert(True)


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text())


def further(*pairs):
    """Text for the section tls: certificates in addition to the server's own."""
    return "".join(f'also n{i} {{ certificate = "{pair[0]}" key = "{pair[1]}" }}\n' for i, pair in enumerate(pairs))


def add_to_tls(server, text):
    server.config.write_text(server.config.read_text().replace("tls { certificate", f"tls {{ {text} certificate"))


def rsa_certificate(path, name):
    key, certificate = path / f"{name}-rsa.key", path / f"{name}-rsa.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-keyout", key, "-out", certificate, "-addext", f"subjectAltName=DNS:{name}"],
                   check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


@test
def each_host_has_its_certificate():
    with directory() as path:
        server = Server(path)
        one, wild = make_certificate(path, "mail.one.test"), make_certificate(path, "*.two.test")
        rsa = rsa_certificate(path, "mail.one.test")
        add_to_tls(server, further(one, wild, rsa))
        own = path / "localhost.pem"
        with server:
            for port, starttls in ((server.submissions, False), (server.submission, True), (server.mx, True)):
                for host, want in (("mail.one.test", one[0]), ("MAIL.ONE.TEST", one[0]), ("smtp.two.test", wild[0]),
                                   ("localhost", own), ("unknown.test", own), (None, own)):
                    assert served(port, host, starttls) == der(want), (port, host)
            old = any_certificate()
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            old.set_ciphers("aRSA")
            assert served(server.submissions, "mail.one.test", context=old) == der(rsa[0]), "RSA for who has no ECDSA"


@test
def openssl_sees_the_same():
    with directory() as path:
        server = Server(path)
        add_to_tls(server, further(make_certificate(path, "mail.one.test")))
        with server:
            for arguments in (["-connect", f"127.0.0.1:{server.submissions}"],
                              ["-connect", f"127.0.0.1:{server.submission}", "-starttls", "smtp"]):
                done = subprocess.run(["openssl", "s_client", *arguments, "-servername", "mail.one.test",
                                       "-verify_hostname", "mail.one.test", "-CAfile", path / "mail.one.test.pem"],
                                      input="QUIT\r\n", capture_output=True, text=True, timeout=PATIENCE_S, check=False)
                assert "Verify return code: 0 (ok)" in done.stdout, done.stdout


class Live:
    """A certificate as certbot keeps it: live/ has links into archive/, which are exchanged."""

    def __init__(self, path, name):
        self.path, self.name, self.number = path, name, 0
        (path / "archive").mkdir()
        (path / "live").mkdir()
        self.renew()

    @property
    def files(self):
        return self.path / "live/fullchain.pem", self.path / "live/privkey.pem"

    def renew(self):
        self.number += 1
        made = make_certificate(self.path, self.name)
        for file, part in zip(made, ("fullchain", "privkey")):
            target = self.path / f"archive/{part}{self.number}.pem"
            file.rename(target)
            link = self.path / f"live/{part}.new"
            link.symlink_to(f"../archive/{part}{self.number}.pem")
            os.replace(link, self.path / f"live/{part}.pem")


@test
def renewed_certificates_are_taken_up_while_mail_flows():
    with directory() as path:
        live = Live(path, "renewed.test")
        server = Server(path)
        add_to_tls(server, further(live.files))
        stop, sent = threading.Event(), []

        def send():
            while not stop.is_set():
                with server.client() as client:
                    client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(len(sent)))
                    sent.append(1)
        with server:
            engine, first = server.engine_pid(), der(live.files[0])
            with smtplib.SMTP_SSL("127.0.0.1", server.submissions, timeout=PATIENCE_S, context=any_certificate()) as old:
                old.ehlo()
                assert served(server.submissions, "renewed.test") == first
                sender = threading.Thread(target=send)
                sender.start()
                try:
                    for _ in range(2):
                        live.renew()
                        new = der(live.files[0])
                        wait_for(lambda: served(server.submissions, "renewed.test") == new, "the new certificate")
                    assert served(server.mx, "renewed.test", starttls=True) == new
                finally:
                    stop.set()
                    sender.join()
                assert old.noop()[0] == 250, "a session that stands goes on"
            assert server.engine_pid() == engine, "nothing was restarted"
            assert "421" not in server.process.log()
            wait_for(lambda: len(server.mailbox("alice")) == len(sent), "all messages")
            os.kill(engine, 9)  # the next engine has the new certificate as well
            wait_for(lambda: server.engine_pid() not in (None, engine), "another engine")
            assert served(server.submissions, "renewed.test") == new


@test
def a_broken_renewal_keeps_the_old_certificate_and_is_told_once():
    with directory() as path:
        server = Server(path)
        certificate, key = path / "localhost.pem", path / "localhost.key"
        with server:
            first = der(certificate)
            shutil.copy(key, path / "key.old")
            other = make_certificate(path, "other.test")
            shutil.copy(other[0], certificate)  # a certificate without its key
            wait_for(lambda: "the old certificates stay in use" in server.process.log(), "the complaint")
            assert served(server.submissions) == first
            shutil.copy(other[1], path / "new.key")
            (path / "new.key").chmod(0o644)
            os.replace(path / "new.key", key)  # open to others
            wait_for(lambda: "is open to others" in server.process.log(), "the complaint about the mode")
            assert served(server.submissions) == first
            key.chmod(0o600)
            wait_for(lambda: served(server.submissions) == der(other[0]), "the certificate that is right at last")
            assert server.process.log().count("the old certificates stay in use") == 2, server.process.log()


@test
def an_engine_without_privileges_gets_what_root_alone_can_read():
    if os.geteuid() != 0:
        return
    with directory() as path:
        server = Server(path)
        server.config.write_text(server.config.read_text().replace('user = "root"', 'user = "nobody"'))
        (path / "localhost.key").chmod(0o600)
        with server:
            make_certificate(path, "localhost")
            new = der(path / "localhost.pem")
            wait_for(lambda: served(server.submissions) == new, "the new certificate")


class AskingServer:
    """An SMTP server that wants a certificate of its clients, and says whose it got."""

    def __init__(self, path, authority):
        self.certificate, self.key = make_certificate(path / "asking")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, self.key)
        self.context.load_verify_locations(authority)
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        self.got = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError, ssl.SSLError), plain:
                self.converse(plain)

    def converse(self, plain):
        stream, data = plain, False
        stream.sendall(b"220 asking.test\r\n")
        file = stream.makefile("rb")
        while line := file.readline():
            verb = line[:4].upper()
            if data:
                data = line != b".\r\n"
                if not data:
                    stream.sendall(b"250 ok\r\n")
            elif verb == b"STAR":
                stream.sendall(b"220 go\r\n")
                stream = self.context.wrap_socket(plain, server_side=True)
                file = stream.makefile("rb")
                self.got.append(stream.getpeercert(True))
            elif verb == b"EHLO":
                stream.sendall(b"250-asking.test\r\n250 STARTTLS\r\n" if stream is plain else b"250 asking.test\r\n")
            elif verb == b"DATA":
                data = True
                stream.sendall(b"354 go\r\n")
            elif verb == b"QUIT":
                stream.sendall(b"221 bye\r\n")
                return
            else:
                stream.sendall(b"250 ok\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@test
def a_route_shows_its_certificate_to_who_asks():
    with directory() as path:
        (path / "asking").mkdir()
        certificate, key = make_certificate(path, "client.test")
        with AskingServer(path, certificate) as asking:
            server = Server(path, routes=f'''
route shown.test {{ via = "smtp:127.0.0.1:{asking.port}" tls = require certificate = "{certificate}" key = "{key}" }}
route plain.test {{ via = "smtp:127.0.0.1:{asking.port}" tls = require }}''')
            with server, server.login() as client:
                client.sendmail("alice@example.org", ["x@shown.test"], message(1, sender="alice@example.org"))
                wait_for(lambda: len(asking.got) == 1, "the first delivery")
                client.sendmail("alice@example.org", ["x@plain.test"], message(2, sender="alice@example.org"))
                wait_for(lambda: len(asking.got) == 2, "the second delivery")
                assert asking.got == [der(certificate), None]
                wait_for(lambda: not server.queue(), "the queue to be empty")


@test
def a_renewed_client_certificate_is_shown():
    with directory() as path:
        (path / "asking").mkdir()
        authority = make_certificate(path, "authority.test")
        certificate, key = make_certificate(path, "client.test", ca=authority)
        with AskingServer(path, authority[0]) as asking:
            server = Server(path, routes=f'''
route shown.test {{ via = "smtp:127.0.0.1:{asking.port}" tls = require certificate = "{certificate}" key = "{key}" }}''')
            with server:
                make_certificate(path, "client.test", ca=authority)
                wait_for(lambda: "new certificates are in use" in server.process.log(), "the new certificate")
                with server.login() as client:
                    client.sendmail("alice@example.org", ["x@shown.test"], message(1, sender="alice@example.org"))
                wait_for(lambda: asking.got, "the delivery")
                assert asking.got == [der(certificate)]


@test
def a_configuration_with_a_wrong_certificate_does_not_start():
    with directory() as path:
        server = Server(path)
        one, two = make_certificate(path, "one.test"), make_certificate(path, "two.test")
        add_to_tls(server, further((one[0], two[1])))
        done = server.run("config", "check", "-c", server.config, check=False)
        assert done.returncode == 2 and "this certificate and key cannot be used" in done.stdout, done.stdout


main()
