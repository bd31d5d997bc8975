"""Mail over SMTP with TLS. The standard library's client, in a thread of its own: a server that
does not answer holds nobody but this channel."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ortoo_protocol.core.errors import NoticeFailed, NoticeRefused
from ortoo_protocol.station.notify.channel import Outgoing
from ortoo_protocol.station.notify.settings import MAIL, MailTable
from ortoo_protocol.station.settings import read_secret

_PERMANENT = range(500, 600)


class MailChannel:
    name = MAIL

    def __init__(self, table: MailTable) -> None:
        self._table = table

    def reach(self, phone: str, mail: str, webhook: str) -> str | None:
        return mail or None

    async def send(self, message: Outgoing) -> None:
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()

        def run() -> None:
            try:
                self._send(message)
            except BaseException as error:  # raised again by whoever waits
                done.set_exception(error)
            else:
                done.set_result(None)

        # Not an executor's: at the end of the process those are waited for, however long it takes.
        threading.Thread(target=run, name="mail", daemon=True).start()
        await asyncio.wrap_future(done)

    async def close(self) -> None:
        """Nothing is open between mails."""

    def _send(self, message: Outgoing) -> None:
        try:
            mail = composed(self._table.sender, message)
        except (ValueError, IndexError, MessageError) as error:
            detail = f"address: {type(error).__name__}"
            raise NoticeRefused(channel=self.name, detail=detail) from None
        try:
            with self._connected() as client:
                if self._table.user and self._table.password_file is not None:
                    client.login(self._table.user, read_secret(self._table.password_file))
                client.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise self._judged(codes[0] if codes else 0, "recipient refused") from None
        except smtplib.SMTPAuthenticationError as error:
            raise NoticeFailed(channel=self.name, detail=f"login: {error.smtp_code}") from None
        except smtplib.SMTPResponseException as error:
            raise self._judged(error.smtp_code, _text(error.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise NoticeFailed(channel=self.name, detail=detail) from None

    def _connected(self) -> smtplib.SMTP:
        table = self._table
        file = table.ca_file
        context = ssl.create_default_context(cafile=None if file is None else str(file))
        if table.tls == "tls":
            return smtplib.SMTP_SSL(
                table.host, table.port, timeout=table.timeout_s, context=context
            )
        client = smtplib.SMTP(table.host, table.port, timeout=table.timeout_s)
        try:
            client.starttls(context=context)
        except BaseException:
            client.close()
            raise
        return client

    def _judged(self, code: int, said: str) -> NoticeFailed | NoticeRefused:
        kind = NoticeRefused if code in _PERMANENT else NoticeFailed
        return kind(channel=self.name, detail=f"SMTP {code} {said}"[:200])


def composed(sender: str, message: Outgoing) -> EmailMessage:
    """The letter as it travels. Line breaks in names and titles cannot become headers."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = Address(_one_line(message.person), addr_spec=message.address)
    mail["Subject"] = _one_line(message.title)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.time_ms / 1000, UTC))
    mail["Message-ID"] = f"<{message.id}@{message.party}.ortoo>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
