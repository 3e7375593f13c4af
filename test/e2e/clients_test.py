#!/usr/bin/env python3
"""The clients people use speak with postrider: swaks, Python's smtplib, nodemailer, curl."""

import smtplib
import subprocess

from harness import (ROOT, Server, any_certificate, directory, main, message, queue_id, test,
                     wait_for)

PASSWORD = "correct horse"


def await_messages(server, count, user="alice"):
    return wait_for(lambda: len(server.mailbox(user)) == count and server.mailbox(user), f"{count} messages")


@test
def smtplib_sends_by_mx_and_by_submission():
    with directory() as path, Server(path) as server:
        with server.client() as client:
            client.starttls(context=any_certificate())
            client.sendmail("carol@elsewhere.test", ["alice@example.org"], message(1))
        with server.login() as client:
            client.sendmail("alice@example.org", ["alice@example.org"], message(2, sender="alice@example.org"))
        with smtplib.SMTP_SSL("127.0.0.1", server.submissions, context=any_certificate(), timeout=60) as client:
            client.login("alice@example.org", PASSWORD)
            client.sendmail("alice@example.org", ["alice@example.org"], message(3, sender="alice@example.org"))
        await_messages(server, 3)


@test
def smtplib_sends_unicode_addresses_and_text():
    with directory() as path, Server(path, users='{"alice", "jürgen"}') as server:
        with server.client() as client:
            client.ehlo()
            assert client.has_extn("smtputf8") and client.has_extn("8bitmime")
            text = "From: <käthe@elsewhere.test>\r\nTo: <jürgen@example.org>\r\nSubject: grüße\r\n\r\nSchöne Grüße\r\n"
            client.sendmail("käthe@elsewhere.test", ["jürgen@example.org"], text.encode(),
                            mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        mailbox = path / "mail/example.org"
        new = wait_for(lambda: list(mailbox.rglob("new/*")), "the message")
        assert "Schöne Grüße\n".encode() in new[0].read_bytes()
        assert "%" in new[0].parent.parent.name, "bytes outside ASCII are written as %XX"


@test
def many_recipients_get_a_copy_each():
    with directory() as path, Server(path) as server:
        with server.client() as client:
            refused = client.sendmail("carol@elsewhere.test",
                                      ["alice@example.org", "nobody@example.org", "bob@example.org",
                                       "alice+news@example.org"], message(1))
        assert list(refused) == ["nobody@example.org"] and refused["nobody@example.org"][0] == 550
        await_messages(server, 2)
        await_messages(server, 1, "bob")


@test
def swaks_uses_every_service():
    with directory() as path, Server(path) as server:
        login = ["--auth-user", "alice@example.org", "--auth-password", PASSWORD]
        for number, (port, options) in enumerate([
                (server.mx, []), (server.mx, ["--tls"]),
                (server.submission, ["--tls", "--auth", "LOGIN", *login]),
                (server.submission, ["--tls", "--auth", "PLAIN", *login]),
                (server.submissions, ["--tls-on-connect", "--auth", "PLAIN", *login])], 1):
            done = subprocess.run(["swaks", "--server", f"127.0.0.1:{port}", "--from", "alice@example.org",
                                   "--to", "alice@example.org", *options], capture_output=True, text=True,
                                  timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            await_messages(server, number)
            story = server.trace(queue_id(done.stdout))
            assert PASSWORD not in story


@test
def curl_submits():
    with directory() as path, Server(path) as server:
        mail = path / "mail.eml"
        mail.write_bytes(message(1, sender="alice@example.org"))
        done = subprocess.run(["curl", "--silent", "--show-error", "--insecure", "--ssl-reqd", f"smtp://127.0.0.1:{server.submission}",
                               "--user", f"alice@example.org:{PASSWORD}", "--mail-from", "alice@example.org",
                               "--mail-rcpt", "alice@example.org", "--upload-file", mail],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        await_messages(server, 1)


NODEMAILER = """
const nodemailer = require(process.argv[2] + '/node_modules/nodemailer');
const [host, port, secure] = ['127.0.0.1', Number(process.argv[3]), process.argv[4] === 'secure'];
const transport = nodemailer.createTransport({host, port, secure, pool: true, maxConnections: 2,
  auth: {user: 'alice@example.org', pass: 'correct horse'}, tls: {rejectUnauthorized: false}});
(async () => {
  for (let i = 0; i < 3; i++)
    console.log((await transport.sendMail({from: 'Alice <alice@example.org>', to: 'alice@example.org',
      subject: 'Grüße ' + i, text: 'Hello\\n.\\nwörld', attachments: [{filename: 'a.bin', content: Buffer.alloc(5000, i)}]})).response);
  transport.close();
})().catch(problem => { console.error(problem); process.exit(1); });
"""


@test
def nodemailer_submits():
    home = ROOT / "build/npm"
    if not (home / "node_modules/nodemailer").is_dir():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), "nodemailer@6"],
                       check=True, capture_output=True, timeout=300)
    with directory() as path, Server(path) as server:
        script = path / "send.js"
        script.write_text(NODEMAILER)
        for count, (port, secure) in enumerate([(server.submission, "starttls"), (server.submissions, "secure")], 1):
            done = subprocess.run(["node", script, home, str(port), secure], capture_output=True, text=True,
                                  timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            assert done.stdout.count("250 2.0.0 Ok: queued as ") == 3
            await_messages(server, 3 * count)


main()
