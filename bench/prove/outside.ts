// What stands between the shop and the world outside it: the mail server that its customers read, and the way of the provider's webhooks.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  /** Its Message-ID: whoever is sent two of the same reads one. */
  id: string;
  to: string;
  subject: string;
}

interface Outside {
  url: string;
  close: () => Promise<void>;
}

/** Writes down in `mails` what it is sent. */
export async function aMailServer(mails: Mail[]): Promise<Outside> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    disableReverseLookup: true,
    onData: (stream, { envelope: { rcptTo } }, done) => {
      void text(stream).then(
        (raw) => {
          const headerOf = (name: string) => new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'm').exec(raw)?.[1] ?? '';
          for (const { address } of rcptTo) mails.push({ id: headerOf('Message-ID'), to: address, subject: headerOf('Subject') });
          done();
        },
        (error: Error) => done(error), // broken off by a process that was killed
      );
    },
  });
  server.on('error', () => undefined); // a process that is killed breaks its connections off
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}?ignoreTLS=true`,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** Between the provider and the shop: sends a webhook again until it is taken, as Stripe does, and one of ten twice. */
export async function aRelay(to: (attempt: number) => string): Promise<Outside & { underWay: () => number }> {
  const forward = async (path: string, signature: string, body: string, nth: number) => {
    for (let times = nth % 10 === 0 ? 2 : 1, attempt = nth; times > 0; attempt++) {
      const taken = await fetch(`${to(attempt)}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'stripe-signature': signature },
        body,
      }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (taken) times -= 1;
      else await sleep(200);
    }
  };
  let nth = 0;
  let underWay = 0;
  const relay = createServer((request, response) => {
    void text(request).then(async (body) => {
      response.end();
      underWay += 1;
      await forward(request.url!, String(request.headers['stripe-signature']), body, ++nth);
      underWay -= 1;
    });
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    underWay: () => underWay,
    close: async () => {
      relay.closeAllConnections();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
