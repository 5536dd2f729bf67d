import { hash } from 'node:crypto';

/** A page of HTML, with the `Content-Security-Policy` it is sent under. */
export interface HtmlPage {
  html: string;
  policy: string;
}

/**
 * A page that runs the one script it brings, and asks nobody but this server: what stands in its address, behind the `#`, is a secret.
 * `body` is HTML, and comes from this code alone.
 */
export function pageOf({ title, body, script }: { title: string; body: string; script: string }): HtmlPage {
  return {
    html: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}button,input{font:inherit;padding:.5rem 1.2rem}table{width:100%}td:last-child{text-align:right}</style>
<h1>${title}</h1>
${body}
<p role="status"></p>
<script>${script}</script>
</html>
`,
    policy: `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash('sha256', script, 'base64')}'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
  };
}
