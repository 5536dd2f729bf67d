import { Agent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { ProblemDocument } from '../../libs/http/src/problem.filter.js';

export interface Answer<Body> {
  status: number;
  headers: Record<string, string>;
  /** What the text says when it is JSON; undefined otherwise. */
  body: Body;
  text: string;
}

export interface Call {
  /** An object is sent as JSON; text goes out as it is. */
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
  /** Breaks the request off. */
  signal?: AbortSignal;
}

/** Speaks HTTP to one server. A path without a leading slash lies under `/api/v1/`; paths go out as they are, whatever they are. */
export class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 200 });

  constructor(readonly url: string) {}

  /** Answers of whatever status; the type of a body that is not a problem is the caller's to name. */
  readonly request = <Body = ProblemDocument>(
    method: string,
    path: string,
    { body, token, headers = {}, signal }: Call = {},
  ): Promise<Answer<Body>> => {
    const { hostname, port } = new URL(this.url);
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const sent: OutgoingHttpHeaders = {
      ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        { hostname, port, method, path: path.startsWith('/') ? path : `/api/v1/${path}`, headers: sent, agent: this.agent, signal },
        (incoming) => {
          const chunks: Buffer[] = [];
          const answered = () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
            resolve({ status: incoming.statusCode!, headers, body: parsed(text) as Body, text });
          };
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.once('error', reject);
          incoming.once('end', answered);
          // What has no end is answered by its beginning; then this side hangs up. Who wants more of it calls `openStream`.
          if (incoming.headers['content-type']?.startsWith('text/event-stream'))
            incoming.once('data', () => (answered(), incoming.destroy()));
        },
      );
      outgoing.once('error', reject);
      outgoing.end(payload);
    });
  };

  /** Sends bytes on a connection of their own and reads until the server closes it: for what is hardly HTTP. */
  readonly raw = (bytes: string | Buffer): Promise<Answer<ProblemDocument>> => {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket.setTimeout(10_000, () => socket.destroy(new Error('The server neither answered nor closed the connection.')));
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.once('error', reject);
      socket.once('close', (failed) => failed || resolve(readAnswer(Buffer.concat(chunks).toString('utf8'))));
    });
  };

  close(): void {
    this.agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: a page, a script, nothing at all
  }
}

function readAnswer(response: string): Answer<ProblemDocument> {
  const end = response.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = response.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const text = response.slice(end + 4);
  return { status: Number(statusLine.split(' ')[1]), headers, body: parsed(text) as ProblemDocument, text };
}
