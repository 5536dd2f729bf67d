import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { loadEnv } from '#config';
import { createLogger } from '#telemetry';
import { MailUndelivered, type Outcome } from '../libs/mail/src/mail-server.js';
import type { Message } from '../libs/mail/src/message.js';
import { SmtpServer } from '../libs/mail/src/smtp-server.js';
import { startMailServer, startRawMailServer } from './harness/mail-server.js';

const NEVER = new AbortController().signal;
const SECRET = 'hunter2-and-then-some';

const opened: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A client of the mail server at this URL, as the application has it. */
function clientOf(url: string, timeoutMs = 10_000): SmtpServer {
  const env = loadEnv({ NODE_ENV: 'test', SMTP_URL: url, MAIL_FROM: 'Shop <no-reply@example.com>', SMTP_TIMEOUT_MS: String(timeoutMs) });
  const server = new SmtpServer(env, createLogger(loadEnv({ LOG_LEVEL: 'silent' })));
  opened.unshift({ close: () => server.onApplicationShutdown() }); // before the servers, which wait for their clients
  return server;
}

const withUser = (url: string, user = 'ada') => url.replace('://', `://${user}:${SECRET}@`);

function aMessage(changes: Partial<Message> = {}): Message {
  return {
    mailId: '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49',
    messageId: '<0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49@example.com>',
    from: { name: 'Shop', address: 'no-reply@example.com' },
    to: 'ada@example.org',
    subject: 'Hello',
    html: '<p>Hello.</p>',
    text: 'Hello.\n',
    headers: {},
    ...changes,
  };
}

/** Why a mail was not taken this time; fails when it was taken, or refused for good. */
async function undelivered(attempt: Promise<Outcome>): Promise<string> {
  const outcome = await attempt.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(MailUndelivered);
  const { message, stack, cause } = outcome as MailUndelivered;
  expect(`${stack} ${String(cause)}`).not.toContain(SECRET);
  expect(message).not.toContain('ada@example.org');
  return message;
}

/** Answers a client's lines by what they begin with; whatever is not named is agreed to. */
function politely(answers: Record<string, string | ((socket: Socket) => void)> = {}) {
  const inData = new WeakSet<Socket>();
  const AGREED: Record<string, string> = {
    '': '220 here',
    EHLO: '250-here\r\n250 AUTH PLAIN',
    AUTH: '235 in',
    DATA: '354 go',
    '.': '250 taken',
    QUIT: '221 bye',
  };
  return (socket: Socket, line: string | null) => {
    if (inData.has(socket) && line !== '.') return;
    const verb = line === null ? '' : (line.split(/[ :]/, 1)[0] ?? '');
    inData.delete(socket);
    const answer = answers[verb] ?? AGREED[verb] ?? '250 ok';
    if (verb === 'DATA' && typeof answer === 'string' && answer.startsWith('354')) inData.add(socket);
    if (typeof answer === 'string') socket.write(`${answer}\r\n`);
    else answer(socket);
  };
}

async function rawServer(talk: Parameters<typeof startRawMailServer>[0]) {
  const server = await startRawMailServer(talk);
  opened.push(server);
  return server;
}

async function realServer(options: Parameters<typeof startMailServer>[0] = {}) {
  const server = await startMailServer(options);
  opened.push(server);
  return server;
}

const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

describe('a mail server', () => {
  it('gets the mail as it is, over one connection for many', async () => {
    let connections = 0;
    const server = await realServer({ onConnect: (_session, done) => (connections++, done()) });
    const client = clientOf(server.url);
    const headers = {
      'List-Unsubscribe': '<https://example.com/unsubscribe?token=a>',
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    };
    for (const to of ['ada@example.org', 'eve@example.org'])
      expect(await client.deliver(aMessage({ to, subject: 'Grüße 👋', text: 'Grüße\n', html: '<p>Grüße</p>', headers }), NEVER)).toEqual({
        taken: true,
      });
    expect(connections).toBe(1);
    const [mail] = server.mails;
    expect(mail).toMatchObject({ from: 'no-reply@example.com', to: ['ada@example.org'] });
    expect(mail!.headers).toMatchObject({
      from: 'Shop <no-reply@example.com>',
      to: 'ada@example.org',
      'message-id': '<0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49@example.com>',
      'list-unsubscribe': '<https://example.com/unsubscribe?token=a>',
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    });
    expect(mail!.headers.subject).toMatch(/^=\?UTF-8\?[QB]\?/);
    expect(mail!.headers['content-type']).toMatch(/^multipart\/alternative/);
    expect(mail!.headers).not.toHaveProperty('x-mailer');
    expect(mail!.text).toContain('Grüße\r\n');
    expect(mail!.text).toContain('<p>Grüße</p>');
  });

  it('is told of one recipient, however odd their address is', async () => {
    const seen: string[] = [];
    const talk = politely();
    const server = await rawServer((socket, line) => {
      if (line?.startsWith('RCPT') || line?.startsWith('To:')) seen.push(line);
      talk(socket, line);
    });
    const client = clientOf(server.url);
    const odd = ['"ada lovelace"@example.org', '"ada@home"@example.org', '-ada@example.org', "o'hara|x@example.org", 'ada@bücher.example'];
    for (const to of odd) await client.deliver(aMessage({ to }), NEVER);
    const known = [...odd.slice(0, 4), 'ada@xn--bcher-kva.example'];
    expect(seen.filter((line) => line.startsWith('RCPT'))).toEqual(known.map((to) => `RCPT TO:<${to}>`));
    expect(seen.filter((line) => line.startsWith('To:')).map((line) => line.replace(/[<>]/g, ''))).toEqual(known.map((to) => `To: ${to}`));
  });

  it('cannot be made to read a command or a header out of what a mail says', async () => {
    const server = await realServer();
    const smuggled = 'Hi\r\n.\r\nMAIL FROM:<eve@example.org>\r\nRCPT TO:<eve@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\n.\r\n';
    const bare = smuggled.replaceAll('\r\n', '\n');
    const long = 'x'.repeat(5_000);
    await clientOf(server.url).deliver(
      aMessage({
        text: `${smuggled}\r.\r${bare}..\n${long}\n`,
        html: `<p>${smuggled}</p>`,
        subject: 'Hello\r\nBcc: eve@example.org',
        headers: { 'X-Reason': 'a\r\nBcc: eve@example.org' },
      }),
      NEVER,
    );
    expect(server.mails).toHaveLength(1);
    const [{ to, headers, raw, text }] = server.mails as [(typeof server.mails)[0]];
    expect(to).toEqual(['ada@example.org']);
    expect(headers).not.toHaveProperty('bcc');
    expect(headers.subject).toBe('Hello Bcc: eve@example.org');
    expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThan(999);
    expect(text).toContain(long);
  });
});

describe('a mail server that refuses', () => {
  it.each([
    [
      'the recipient',
      { onRcptTo: (_: object, __: object, done: (error: Error) => void) => done(refusal(550, '5.1.1 <ada@example.org> is unknown')) },
      'the mail server refused the recipient (550 5.1.1)',
    ],
    [
      'the message',
      {
        onData: (
          stream: { resume: () => object; once: (event: 'end', then: () => void) => void },
          _: object,
          done: (error: Error) => void,
        ) => {
          stream.resume();
          stream.once('end', () => done(refusal(554, '5.7.1 not for <ada@example.org>')));
        },
      },
      'DATA: 554 5.7.1 not for [address]',
    ],
  ] as const)('%s for good is not asked again', async (_what, options, reason) => {
    const server = await realServer(options);
    expect(await clientOf(server.url).deliver(aMessage(), NEVER)).toEqual({ taken: false, reason });
  });

  it.each([
    ['the recipient for now', { RCPT: '451 4.7.1 greylisted' }, 'the mail server refused the recipient (451 4.7.1)'],
    ['the message for now', { '.': '452 4.3.1 no room' }, 'DATA: 452 4.3.1 no room'],
    ['the sender', { MAIL: '550 5.7.1 you may not send as that' }, 'MAIL FROM: 550 5.7.1 you may not send as that'],
    ['everybody', { '': '554 5.3.2 closed' }, '554 5.3.2 closed'],
    ['in the middle, closing', { RCPT: '421 4.3.2 going down' }, '421'],
  ])('%s is asked again', async (_what, answers, reason) => {
    const server = await rawServer(politely(answers));
    expect(await undelivered(clientOf(server.url).deliver(aMessage(), NEVER))).toContain(reason);
  });

  it('the log-in is asked again, and nothing of the password is said', async () => {
    const seen: string[] = [];
    const talk = politely({ AUTH: (socket) => socket.write(`535 5.7.8 no: ${seen.at(-1)} (${SECRET})\r\n`) });
    const server = await rawServer((socket, line) => {
      if (line !== null) seen.push(line);
      talk(socket, line);
    });
    const reason = await undelivered(clientOf(withUser(server.url)).deliver(aMessage(), NEVER));
    expect(reason).toBe('the mail server refused the log-in (535 5.7.8)');
    expect(seen.some((line) => line.startsWith('AUTH PLAIN'))).toBe(true);
    expect(seen.some((line) => line.startsWith('MAIL'))).toBe(false);
  });
});

describe('a mail server that misbehaves', () => {
  const withinTime = async (attempt: () => Promise<Outcome>, limitMs: number) => {
    const began = performance.now();
    const reason = await undelivered(attempt());
    expect(performance.now() - began).toBeLessThan(limitMs + 5_000);
    return reason;
  };

  it.each([
    ['never greets', () => undefined],
    ['stops talking in the middle', politely({ MAIL: () => undefined })],
    ['never says whether it has taken the mail', politely({ '.': () => undefined })],
    [
      'talks slower than anybody can wait, byte by byte',
      politely({
        EHLO: (socket) => {
          const timer = setInterval(() => socket.write('2'), 50);
          socket.once('close', () => clearInterval(timer));
        },
      }),
    ],
    [
      'never comes to the end of its reply',
      politely({
        MAIL: (socket) => {
          const timer = setInterval(() => socket.write('250-and\r\n'), 5);
          socket.once('close', () => clearInterval(timer));
        },
      }),
    ],
  ])('and %s costs no more than the time-out', async (_what, talk) => {
    const server = await rawServer(talk);
    expect(await withinTime(() => clientOf(server.url, 500).deliver(aMessage(), NEVER), 500)).toMatch(/500 ms|ETIMEDOUT/);
  });

  it.each([
    ['is not there', null],
    ['hangs up at once', (socket: Socket) => socket.destroy()],
    ['hangs up in the middle of the mail', politely({ DATA: (socket) => socket.write('354 go\r\n', () => socket.destroy()) })],
    ['hangs up instead of saying that it has taken the mail', politely({ '.': (socket) => socket.destroy() })],
    ['speaks another language', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['says nothing but noise', (socket: Socket) => socket.write(Buffer.alloc(3_000_000, 0xff))],
  ] as const)('and %s is asked again', async (_what, talk) => {
    const server = await rawServer(talk ?? (() => undefined));
    if (talk === null) await server.close();
    await withinTime(() => clientOf(server.url).deliver(aMessage(), NEVER), 2_000);
  });

  it('never sees a mail twice by one attempt', async () => {
    let dots = 0;
    const server = await rawServer(politely({ '.': (socket) => (dots++, socket.destroy()) }));
    const client = clientOf(server.url);
    await undelivered(client.deliver(aMessage(), NEVER));
    expect(dots).toBe(1);
  });

  it('does not keep the next mail from another connection', async () => {
    let hangUp = true;
    const server = await rawServer(politely({ MAIL: (socket) => (hangUp ? socket.destroy() : socket.write('250 ok\r\n')) }));
    const client = clientOf(server.url);
    await undelivered(client.deliver(aMessage(), NEVER));
    hangUp = false;
    expect(await client.deliver(aMessage(), NEVER)).toEqual({ taken: true });
  });

  it('is left at once by a process that stops', async () => {
    const server = await rawServer(politely({ '.': () => undefined }));
    const stopping = new AbortController();
    const attempt = clientOf(server.url, 20_000).deliver(aMessage(), stopping.signal);
    setTimeout(() => stopping.abort(new Error('stopping')), 200);
    await expect(attempt).rejects.toThrow('stopping');
  });
});

describe('a mail server and TLS', () => {
  it('is told neither password nor mail when its certificate is nobody’s', async () => {
    const server = await realServer({ disabledCommands: [], authOptional: true });
    const reason = await undelivered(clientOf(withUser(server.url)).deliver(aMessage(), NEVER));
    expect(reason).toMatch(/certificate|ESOCKET|ETLS/i);
    expect(server.mails).toEqual([]);
  });

  it('is told neither password nor mail when it breaks off the encryption', async () => {
    const seen: string[] = [];
    const talk = politely({
      EHLO: '250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS',
      STARTTLS: (socket) => socket.write('220 go\r\nnoise\r\n'),
    });
    const server = await rawServer((socket, line) => {
      if (line !== null) seen.push(line);
      talk(socket, line);
    });
    await undelivered(clientOf(withUser(server.url), 1_000).deliver(aMessage(), NEVER));
    expect(seen.filter((line) => /^(AUTH|MAIL|DATA)/.test(line))).toEqual([]);
  });

  it('is told neither password nor mail when it must encrypt and does not offer it', async () => {
    const seen: string[] = [];
    const talk = politely({ STARTTLS: '502 what?' });
    const server = await rawServer((socket, line) => {
      if (line !== null) seen.push(line);
      talk(socket, line);
    });
    await undelivered(clientOf(`${withUser(server.url)}?requireTLS=true`).deliver(aMessage(), NEVER));
    expect(seen.filter((line) => /^(AUTH|MAIL|DATA)/.test(line))).toEqual([]);
  });
});
