import type { ProblemDefinition } from '#errors';

const escape = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** The page about a problem, for the developer whose program met it. */
export function problemPage({ code, title, help }: ProblemDefinition, status: number): string {
  const text = escape(help).replace(/`([^`]+)`/g, '<code>$1</code>');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem;color:#1c1c1c}code{background:#f1efe9;padding:.1em .3em}small{color:#666}</style>
<small><code>${escape(code)}</code>, status ${status}</small>
<h1>${escape(title)}</h1>
<p>${text}
<p><small>The answer names the members at fault in <code>errors</code> and the request in <code>requestId</code>; quote that when you ask for help. <a href="/problems">All problems</a></small>
</html>
`;
}
