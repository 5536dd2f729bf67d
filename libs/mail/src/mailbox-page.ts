import { html } from './html.js';
import type { MailboxEntry } from './mailbox.js';

/** The list of the development mailbox, newest first. */
export function mailboxPage(entries: readonly MailboxEntry[]): string {
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <meta name="color-scheme" content="light dark" />
      <title>Mailbox</title>
      <style>
        body {
          font:
            1rem/1.5 system-ui,
            sans-serif;
          max-width: 60rem;
          margin: 3rem auto;
          padding: 0 1rem;
        }
        table {
          border-collapse: collapse;
          width: 100%;
        }
        th,
        td {
          text-align: left;
          padding: 0.4rem 0.8rem 0.4rem 0;
          border-bottom: 1px solid #88888855;
          vertical-align: top;
        }
        td:last-child {
          white-space: nowrap;
        }
      </style>
      <h1>Mailbox</h1>
      <p>What would have been sent, newest first. Nothing left this machine: set <code>SMTP_URL</code> to send mails.</p>
      ${
        entries.length === 0
          ? html`<p>No mail has come yet.</p>`
          : html`<table>
              <tr>
                <th>When</th>
                <th>To</th>
                <th>Subject</th>
                <th>
                  ${entries.map(
                    ({ mailId, to, subject, sentAt }) =>
                      html`<tr>
                        <td>${sentAt.toISOString().slice(0, 19).replace('T', ' ')}</td>
                        <td>${to}</td>
                        <td><a href="/dev/mailbox/${mailId}">${subject}</a></td>
                        <td><a href="/dev/mailbox/${mailId}/text">text</a> <a href="/dev/mailbox/${mailId}/links">links</a></td>
                      </tr> `,
                  )}
                </th>
              </tr>
            </table>`
      }
    </html> `.text;
}
