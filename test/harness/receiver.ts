import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as a receiver of webhooks got it. */
export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
  at: number;
}

/** Answers one request; what it leaves unanswered hangs. `nth` counts the requests from 1. */
export type Behaviour = (response: ServerResponse, request: IncomingMessage, nth: number) => void | Promise<void>;

/** A real server that takes webhooks on loopback. */
export interface Receiver {
  url: string;
  received: Received[];
  /** How many requests it holds just now, and the most it has held at once. */
  atOnce: { now: number; most: number };
  /** From now on it answers like this. */
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

export const answers =
  (status: number, headers: Record<string, string> = {}, body = ''): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end(body);

const open = new Set<Receiver>();

/** Starts a receiver that answers 204 until it is told otherwise. */
export async function aReceiver(behaviour: Behaviour = answers(204), host = '127.0.0.1'): Promise<Receiver> {
  const received: Received[] = [];
  const atOnce = { now: 0, most: 0 };
  let current = behaviour;
  const server: Server = createServer((request, response) => {
    atOnce.most = Math.max(atOnce.most, ++atOnce.now);
    response.once('close', () => (atOnce.now -= 1));
    void (async () => {
      const body = await text(request);
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      received.push({ path: request.url!, headers, body, at: performance.now() });
      await current(response, request, received.length);
    })().catch(() => response.destroy()); // the sender broke off
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const receiver: Receiver = {
    url: `http://${host}:${(server.address() as AddressInfo).port}/hook`,
    received,
    atOnce,
    behave: (next) => (current = next),
    close: () => {
      open.delete(receiver);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  open.add(receiver);
  return receiver;
}

/** For afterAll: ends what tests left running. */
export async function closeReceivers(): Promise<void> {
  await Promise.all([...open].map((receiver) => receiver.close()));
}
