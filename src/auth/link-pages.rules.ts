import { createHash } from 'node:crypto';

// Programs that look at every link of a mail run scripts, too, but press no buttons: nothing happens before somebody does.
const SCRIPT = `'use strict';
const form = document.forms[0];
const said = document.querySelector('[role=status]');
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = { token };
  if (form.elements.password) body.password = form.elements.password.value;
  const answer = await fetch(form.dataset.call, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => null);
  if (answer?.ok) {
    history.replaceState(null, '', location.pathname);
    form.hidden = true;
  }
  said.textContent = answer?.ok ? form.dataset.done : answer ? (await answer.json()).detail : 'There is no connection; try again.';
});
`;

interface Page {
  title: string;
  question: string;
  button: string;
  /** What the button calls, from where the page is. */
  call: string;
  done: string;
  asksForPassword?: boolean;
}

const CONFIRM = '../api/v1/auth/email/verify';

export const LINK_PAGES = {
  'verify-email': {
    title: 'Confirm your address',
    question: 'Is this mail address yours, and did you ask for this?',
    button: 'Confirm',
    call: CONFIRM,
    done: 'Your address is confirmed.',
  },
  'undo-email-change': {
    title: 'Undo the change of address',
    question: 'Your account gets its former address again, and everybody is logged out of it. Then choose a new password.',
    button: 'Take it back',
    call: CONFIRM,
    done: 'Your account has its former address again. A link to a new password is in your mailbox.',
  },
  'reset-password': {
    title: 'Set a new password',
    question: 'Choose a passphrase of at least 15 characters, such as four words that do not belong together.',
    button: 'Set it',
    call: '../api/v1/auth/password/reset',
    done: 'Your password is set. Log in with it.',
    asksForPassword: true,
  },
} satisfies Record<string, Page>;

/** The page's own script and nothing else: what stands in its address is a secret. */
export const LINK_PAGE_CSP = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256')
  .update(SCRIPT)
  .digest('base64')}'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;

/** What the link of a mail opens where no front end does: AUTH_LINKS_URL is not set. */
export function linkPage({ title, question, button, call, done, asksForPassword = false }: Page): string {
  const password = '<p><input name="password" type="password" autocomplete="new-password" aria-label="New password" required></p>';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}button,input{font:inherit;padding:.5rem 1.2rem}</style>
<h1>${title}</h1>
<form data-call="${call}" data-done="${done}"><p>${question}</p>${asksForPassword ? password : ''}<button>${button}</button></form>
<p role="status"></p>
<script>${SCRIPT}</script>
</html>
`;
}
