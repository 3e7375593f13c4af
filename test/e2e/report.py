"""What senders are told, read strictly: RFC 3464, RFC 6522."""

import email
import email.policy
import email.utils
import re

from harness import queue_id

SENDER = "carol@elsewhere.test"


def send(server, *recipients, sender=SENDER, mail=(), rcpt=(), body="Dear all,\r\nhello.\r\n"):
    """Sends the message that the reports are on; its id."""
    with server.client() as client:
        assert client.ehlo()[0] == 250 and "dsn" in client.esmtp_features
        assert client.mail(sender, list(mail))[0] == 250
        for recipient in recipients:
            code, words = client.rcpt(recipient, list(rcpt))
            assert code == 250, (code, words)
        text = f"From: <{sender}>\r\nSubject: a question\r\nMessage-ID: <1@client.test>\r\n\r\n{body}"
        return queue_id(client.data(text.encode())[1])


class Report:
    """A report on the message <1@client.test>, as strict rules and Python's email package read it."""

    def __init__(self, raw, hostname="mx.example.test"):
        self.raw, self.hostname = raw, hostname
        self.check_bytes(raw)
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        assert not self.defects(), self.defects()
        assert self.message.get_content_type() == "multipart/report"
        assert self.message.get_param("report-type") == "delivery-status"
        self.parts = list(self.message.iter_parts())
        assert len(self.parts) == 3, [part.get_content_type() for part in self.parts]
        assert [part.get_content_type() for part in self.parts[:2]] == ["text/plain", "message/delivery-status"]
        self.text = self.parts[0].get_content()
        self.of_message, *self.of_recipients = self.parts[1].get_payload()
        self.check_header()
        self.check_recipients()

    @staticmethod
    def check_bytes(raw):
        for line in raw.split(b"\n"):
            line = line.removesuffix(b"\r")
            assert len(line) <= 998, f"a line of {len(line)} bytes"
            assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", line), f"a control byte in {line!r}"

    def defects(self):
        return [defect for part in self.message.walk() for defect in part.defects]

    def check_header(self):
        for name in ("From", "To", "Date", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version"):
            assert len(self.message.get_all(name)) == 1, name
        assert self.message["Auto-Submitted"] == "auto-replied"
        assert f"MAILER-DAEMON@{self.hostname}" in self.message["From"]
        assert self.message["In-Reply-To"] == self.message["References"] == "<1@client.test>"
        assert self.of_message["Reporting-MTA"] == f"dns; {self.hostname}"
        assert email.utils.parsedate_to_datetime(self.of_message["Arrival-Date"])

    def check_recipients(self):
        """RFC 3464 section 2.3: what each must have once, and may have at most once."""
        assert self.of_recipients
        for block in self.of_recipients:
            assert not block.defects, block.defects
            for name in ("Final-Recipient", "Action", "Status"):
                assert len(block.get_all(name)) == 1, (name, block.as_string())
            for name in ("Original-Recipient", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date", "Will-Retry-Until"):
                assert len(block.get_all(name, [])) <= 1, (name, block.as_string())
            assert block["Final-Recipient"].startswith("rfc822;"), block.as_string()
            assert block["Action"] in ("failed", "delayed", "delivered", "relayed", "expanded"), block.as_string()
            assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", block["Status"]), block.as_string()

    def fields(self, address):
        [found] = [block for block in self.of_recipients if block["Final-Recipient"] == f"rfc822;{address}"]
        return found

    def check(self, address, action, status, diagnostic=None, remote="[127.0.0.1]"):
        fields = self.fields(address)
        assert (fields["Action"], fields["Status"]) == (action, status), fields.as_string()
        if diagnostic:
            assert fields["Diagnostic-Code"] == diagnostic, fields["Diagnostic-Code"]
            assert fields["Remote-MTA"] == f"dns; {remote}", fields.as_string()
            assert diagnostic.split("; ", 1)[1] in " ".join(self.text.split())
        return fields
