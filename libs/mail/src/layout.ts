import { html } from './html.js';
import type { Letter } from './template.js';

/** Who a mail is from and where its links lead. */
export interface Surroundings {
  /** What the product is called, as `MAIL_FROM` says. */
  product: string;
  publicUrl: string;
  /** Where the pages are that links with tokens lead to. */
  linksUrl: string;
  /** Ends mails of this kind; null for mails that nobody can do without. */
  unsubscribeUrl: string | null;
}

export interface Rendered {
  subject: string;
  html: string;
  text: string;
}

const FONT = "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
// Mail programs drop style sheets, so styles stand in line; and they turn colours over in the dark, so there are none but the button's.
const MUTED = 'font-size:13px;opacity:.7';
const BUTTON = 'display:inline-block;padding:10px 20px;border-radius:6px;background:#2f5fd0;color:#ffffff;text-decoration:none';

/** The one layout of all mails: the same words as HTML and as plain text. */
export function render(letter: Letter, { product, publicUrl, linksUrl, unsubscribeUrl }: Surroundings): Rendered {
  const subject = oneLine(letter.subject);
  const action = letter.action && {
    label: letter.action.label,
    url: 'path' in letter.action ? publicUrl + letter.action.path : linksUrl + letter.action.page,
  };
  const facts = letter.facts ?? [];
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>${subject}</title>
      </head>
      <body style="margin:0;padding:24px;${FONT}">
        <div style="max-width:560px;margin:0 auto">
          <p style="${MUTED}">${product}</p>
          <h1 style="font-size:20px;line-height:1.3;margin:16px 0">${subject}</h1>
          ${letter.paragraphs.map((paragraph) => html`<p>${paragraph}</p> `)}${
            facts.length === 0
              ? null
              : html`<table role="presentation" cellpadding="0" cellspacing="0" style="margin:16px 0;${FONT}">
                  ${facts.map(
                    ([name, value]) =>
                      html`<tr>
                        <td style="padding:2px 24px 2px 0;opacity:.7">${name}</td>
                        <td style="padding:2px 0">${value}</td>
                      </tr> `,
                  )}
                </table> `
          }${action ? html`<p style="margin:24px 0"><a href="${action.url}" style="${BUTTON}">${action.label}</a></p> ` : null}
          <hr style="border:0;border-top:1px solid #88888866;margin:24px 0" />
          <p style="${MUTED}">
            ${letter.reason}${unsubscribeUrl === null ? null : html` <a href="${unsubscribeUrl}" style="color:inherit">Unsubscribe</a>`}
          </p>
        </div>
      </body>
    </html> `;
  const text = [
    subject,
    ...letter.paragraphs,
    facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
    action ? `${action.label}: ${action.url}` : '',
    `-- \n${product}\n${letter.reason}${unsubscribeUrl === null ? '' : `\nUnsubscribe: ${unsubscribeUrl}`}`,
  ];
  return { subject, html: page.text, text: `${text.filter((part) => part !== '').join('\n\n')}\n` };
}

/** A header is one line: what would begin another is a space, and an endless one is cut (RFC 5322 allows 998 characters). */
function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\u2028\u2029\s]+/gu, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 199).toWellFormed()}…` : line;
}
