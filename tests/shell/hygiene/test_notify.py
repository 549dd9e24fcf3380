"""The notifiers that the documentation shows reach people with what an alarm says."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_string

import pytest
from moto.backends import get_backend

from pg_cdc.decisions.slots.actions import AlarmChange
from pg_cdc.decisions.slots.alarms import alarm_of
from pg_cdc.hooks import notify
from pg_cdc.hooks.notify import read_notifiers, tell

ALARM = alarm_of(
    AlarmChange(identifier="shop", slot="dms_slot", before="", after="alarm", text="shop/dms_slot: alarm: 3 h < 12 h")
)


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a sender needs."""

    def handle(self) -> None:
        self.say("220 here")
        for line in iter(self.rfile.readline, b""):
            word = line.split()[0].upper()
            if word == b"DATA":
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline().rstrip(b"\r\n"), b".")
                self.server.mails.append(b"\n".join(lines).decode())
            self.say("250 fine" if word != b"QUIT" else "221 bye")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mails() -> Iterator[tuple[int, list[str]]]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox)
    server.mails = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], server.mails
    server.shutdown()
    server.server_close()


def test_the_notifier_of_the_documentation_sends_a_mail(mails, monkeypatch):
    port, received = mails
    shown = next(part for part in notify.__doc__.split("``") if part.startswith("[{"))
    (entry,) = json.loads(" ".join(shown.split()))
    monkeypatch.setenv("AIRFLOW_VAR_PG_CDC_NOTIFIERS", json.dumps([entry]))
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.com"}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))

    tell(read_notifiers(), ALARM, {})

    mail = message_from_string(received[0])
    assert mail["To"] == "dba@example.com"
    assert mail["Subject"] == "Replication slot shop/dms_slot: alarm"
    (body,) = (part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart())
    assert body.strip() == "shop/dms_slot: alarm: 3 h &lt; 12 h"


def test_sns_publishes_and_each_alarm_is_rendered_anew(sandbox, aws_conn, monkeypatch):
    arn = sandbox.client("sns").create_topic(Name="notify")["TopicArn"]
    kwargs = {"target_arn": arn, "subject": "{{ alarm.title }}", "message": "{{ alarm.text }}"}
    entry = {"class": "airflow.providers.amazon.aws.notifications.sns.SnsNotifier", "kwargs": kwargs}
    monkeypatch.setenv("AIRFLOW_VAR_PG_CDC_NOTIFIERS", json.dumps([entry]))

    for name in ("first", "second"):
        tell(read_notifiers(), ALARM | {"text": name}, {})

    topic = get_backend("sns")["123456789012"][sandbox.region].topics[arn]
    assert [json.loads(message[1])["default"] for message in topic.sent_notifications] == ["first", "second"]


def test_nobody_is_named_where_there_is_no_variable():
    assert read_notifiers() == []
