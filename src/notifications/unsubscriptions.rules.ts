import type { Kind } from './letters.rules.js';
import { aboutOf } from './notifications.rules.js';

/** What the link of a mail opens: programs that look at every link of a mail change nothing by it, a person presses the button. */
export function questionPage(kind: Kind): string {
  return page(
    'Unsubscribe',
    `<p>Do you want no more mails about ${aboutOf(kind)}?
<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>`,
  );
}

export function donePage(kind: Kind): string {
  return page('Unsubscribed', `<p>You will get no more mails about ${aboutOf(kind)}.`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1.2rem}</style>
<h1>${title}</h1>
${content}
</html>
`;
}
