import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Browser } from './harness/browser.js';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { anOidcProvider, CLIENT } from './harness/identity-providers.js';
import { unique } from './harness/people.js';
import { type Product, seed, startProcess, stopProcesses } from './harness/product.js';

const PUBLIC = 'http://localhost';
const RETURN_TO = 'https://app.example.com/signed-in';

/** Keeps what each call was answered, one line each, on descriptor 3; asking the mailbox again and again is no call of the page's. */
const WATCHED_CURL = `
curl() {
  case "$*" in *dev/mailbox*) command curl "$@"; return;; esac
  STATUS=$(command curl -o "$BODY" -w '%{http_code}' "$@") || return
  { echo "$STATUS"; cat "$BODY"; echo; } | tr '\\n' ' ' >&3; echo >&3
  cat "$BODY"; : > "$BODY"
}
`;

let database: TestDatabase;
let product: Product;
let provider: Awaited<ReturnType<typeof anOidcProvider>>;
let folder: string;
let page: string;

beforeAll(async () => {
  page = await readFile(join(import.meta.dirname, '../docs/auth.md'), 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'ashlar-page-'));
  [database, provider] = await Promise.all([createDatabase(), anOidcProvider(`${PUBLIC}/api/v1/auth/oauth/acme/callback`)]);
  await seed(database.url);
  const settings = {
    OAUTH_PROVIDERS: JSON.stringify({ acme: { ...CLIENT, issuer: provider.url } }),
    OAUTH_RETURN_URLS: RETURN_TO,
  };
  product = await startProcess({ databaseUrl: database.url, env: settings });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await provider?.close();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

/** What a person does who opens the link of a sign-in elsewhere: logs in there, and comes back with a code. */
async function codeBehind(link: string): Promise<string> {
  const browser = new Browser({ [PUBLIC]: product.url });
  const account = { sub: unique(), email: `${unique()}@example.org`, email_verified: true };
  const form = await browser.follow(link.replace(product.url, PUBLIC), ({ pathname }) => pathname.startsWith('/interaction/'));
  const login = `${form.href}/login?as=${encodeURIComponent(JSON.stringify(account))}`;
  const back = await browser.follow(login, ({ href }) => href.startsWith(RETURN_TO));
  return back.searchParams.get('code')!;
}

/** Pastes all blocks into one plain shell; what each call was answered. */
async function paste(blocks: string[]): Promise<{ status: number; body: Record<string, unknown> | null }[]> {
  const script = blocks.join('\n').replaceAll('http://localhost:3000', product.url).replace('CODE=the-code-of-the-address', 'read -r CODE');
  expect(script).toContain('read -r CODE');
  const folders = `TMPDIR='${folder}' BODY='${folder}/body'\nexport TMPDIR BODY\n`;
  const shell = spawn('sh', ['-euc', folders + WATCHED_CURL + script], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const text = { said: '', complained: '', answered: '' };
  shell.stderr.on('data', (chunk: Buffer) => void (text.complained += chunk.toString()));
  shell.stdio[3]!.on('data', (chunk: Buffer) => void (text.answered += chunk.toString()));
  let opened = false;
  shell.stdout.on('data', (chunk: Buffer) => {
    text.said += chunk.toString();
    const [, link] = /^Open in a browser: (\S+)\n/m.exec(text.said) ?? [];
    if (link === undefined || opened) return;
    opened = true;
    codeBehind(link).then(
      (code) => shell.stdin.end(`${code}\n`),
      (error: unknown) => {
        text.complained += String(error);
        shell.stdin.end();
      },
    );
  });
  const [status] = (await once(shell, 'close')) as [number | null];
  if (status !== 0) throw new Error(`The shell ended with ${status}: ${text.complained}\n${text.answered}`);
  return text.answered
    .trim()
    .split('\n')
    .map((line) => {
      const [, code, body] = /^(\d{3}) (.*)$/.exec(line)!;
      return { status: Number(code), body: body!.trim() === '' ? null : (JSON.parse(body!) as Record<string, unknown>) };
    });
}

describe('docs/auth.md', () => {
  it('works when its blocks are pasted into a plain shell, and is answered as it says', async () => {
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
    const promised = blocks.join('').matchAll(/^# → (\d{3})(?: \{ (.*) \}| (\S+))?$/gm);
    const answers = await paste(blocks);
    const expected = [...promised].map(([, status, members, code]) => ({ status: Number(status), members: members?.split(', '), code }));
    expect(answers.map(({ status }) => status)).toEqual(expected.map(({ status }) => status));
    for (const [n, { members, code, status }] of expected.entries()) {
      const { body } = answers[n]!;
      if (members !== undefined) expect({ n, missing: members.filter((name) => !(name in body!)) }).toEqual({ n, missing: [] });
      if (code !== undefined) expect({ n, code: body!.code }).toEqual({ n, code });
      if (status === 204) expect(body).toBeNull();
    }
    expect(Object.keys(answers[0]!.body!)).toEqual(['user', 'expiresIn']); // the page's first call: no token in the answer
  }, 120_000);

  it('has a diagram for each kind of client, and blocks of no other form than those that are pasted, shown or drawn', () => {
    const chapters = new Map(page.split(/^## /m).map((chapter) => [chapter.split('\n')[0], chapter]));
    for (const kind of ['A browser application', 'A mobile application', 'A machine']) {
      expect(chapters.get(kind)).toMatch(/^```mermaid\nsequenceDiagram\n/m);
      expect(chapters.get(kind)).toMatch(/^```sh\n/m);
    }
    const forms = [...page.matchAll(/^```(\w+)$/gm)].map(([, form]) => form);
    expect([...new Set(forms)].sort()).toEqual(['js', 'mermaid', 'sh']);
    expect(page.replace(/^```[\s\S]*?^```$/gm, '')).not.toMatch(/^ {4}\S/m);
  });

  it('leads only to chapters and files that exist', async () => {
    const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    for (const link of links.filter((at) => at.startsWith('#'))) expect(anchors).toContain(link.slice(1));
    for (const link of links.filter((at) => !at.startsWith('#'))) await readFile(join(import.meta.dirname, '../docs', link));
    expect(links.length).toBeGreaterThan(4);
  });
});
