import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { eventually } from './eventually.js';

/** A mail as it arrived: whom the envelope names, and what the message says. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** The bytes between DATA and the dot. */
  raw: string;
  /** By name in small letters, unfolded. */
  headers: Record<string, string>;
  /** The message's text with its transfer encoding taken off. */
  text: string;
}

export interface TestMailServer {
  url: string;
  /** What has arrived so far. */
  mails: ReceivedMail[];
  /** Waits for the first mail to somebody. */
  mailTo(address: string, withinMs?: number): Promise<ReceivedMail>;
  close(): Promise<void>;
}

/** A real SMTP server; `options` are those of the package smtp-server, which refuse by calling back with an error. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<TestMailServer> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    disableReverseLookup: true,
    onData: (stream, { envelope: { mailFrom, rcptTo } }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        const to = rcptTo.map(({ address }) => address);
        mails.push(parsed(mailFrom === false ? '' : mailFrom.address, to, Buffer.concat(chunks).toString('utf8')));
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined); // what a client does to a connection is the test's affair
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    mailTo: (address, withinMs = 15_000) => eventually(() => mails.find(({ to }) => to.includes(address)), withinMs),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A server that says what the test tells it to, line by line: for those that do not keep to the protocol. */
export interface RawMailServer {
  url: string;
  connections: number;
  close(): Promise<void>;
}

export async function startRawMailServer(talk: (socket: Socket, line: string | null) => void): Promise<RawMailServer> {
  const sockets = new Set<Socket>();
  const state = { connections: 0 };
  const server: Server = createServer((socket) => {
    state.connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    let rest = '';
    talk(socket, null);
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) talk(socket, line);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return state.connections;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parsed(from: string, to: string[], raw: string): ReceivedMail {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n'));
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { from, to, raw, headers, text: fromQuotedPrintable(raw) };
}

function fromQuotedPrintable(text: string): string {
  const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
