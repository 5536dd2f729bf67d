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

interface Question {
  title: string;
  question: string;
  button: string;
  /** What the button calls, from where the page is. */
  call: string;
  done: string;
  asksForPassword?: boolean;
}

const CONFIRM = '../api/v1/auth/email/verify';

const LINK_PAGES = {
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
} satisfies Record<string, Question>;

/** What the link of a mail opens where no front end does: AUTH_LINKS_URL is not set. */
export function linkPage(name: keyof typeof LINK_PAGES): { title: string; body: string; script: string } {
  const { title, question, button, call, done, asksForPassword = false }: Question = LINK_PAGES[name];
  const password = '<p><input name="password" type="password" autocomplete="new-password" aria-label="New password" required></p>';
  const body = `<form data-call="${call}" data-done="${done}"><p>${question}</p>${asksForPassword ? password : ''}<button>${button}</button></form>`;
  return { title, body, script: SCRIPT };
}
