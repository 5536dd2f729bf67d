import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Env } from '#config';
import { OutgoingRequests, type Resolve } from './outgoing.js';

const servers: Server[] = [];
const made: OutgoingRequests[] = [];
afterAll(async () => {
  for (const each of made) await each.onApplicationShutdown();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A real server on loopback, and how often it was asked. */
async function aServer(answer: RequestListener = (_, response) => response.end('hello'), host = '127.0.0.1') {
  const server = createServer((request, response) => {
    state.asked.push(request.url!);
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const state = { port: (server.address() as AddressInfo).port, asked: [] as string[] };
  return state;
}

const PUBLIC = '93.184.216.34';
/** A resolver that gives these answers in turn, and then the last one again. */
function resolver(...answers: (string | string[])[]): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve = async (hostname: string) => {
    const answer = answers[Math.min(asked.push(hostname), answers.length) - 1] ?? [];
    if (answer.length === 0) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' });
    return [answer].flat().map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}

function outgoing(allowed: string[] = [], resolve: Resolve = resolver(PUBLIC), env: Partial<Env> = {}): OutgoingRequests {
  const requests = new OutgoingRequests(Object.assign(new Env(), { OUTGOING_ALLOWED_HOSTS: allowed, ...env }), resolve);
  made.push(requests);
  return requests;
}

const post = (requests: OutgoingRequests, url: string, more: object = {}) =>
  requests.send({
    url,
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'x',
    timeoutMs: 2_000,
    maxBytes: 100,
    signal: new AbortController().signal,
    ...more,
  });

/** Ways to write an address that is not public. */
const HIDDEN = [
  'http://127.0.0.1/',
  'http://127.0.0.1:8080/',
  'http://127.1/',
  'http://127.0.0.1./',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.0.0.1/',
  'http://017700000001/',
  'http://0177.0.0.01/',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://%31%32%37.0.0.1/',
  'http:/\\127.0.0.1/',
  'http://127.255.255.254/',
  'http://0.0.0.0/',
  'http://0/',
  'http://0.1.2.3/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.0.1/',
  'http://100.64.0.1/',
  'http://100.100.100.200/',
  'http://169.254.169.254/latest/meta-data/',
  'http://168.63.129.16/',
  'http://192.0.0.192/',
  'http://192.0.2.1/',
  'http://198.18.0.1/',
  'http://198.51.100.1/',
  'http://203.0.113.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::127.0.0.1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:10.0.0.1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:0:127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[64:ff9b:1::1]/',
  'http://[2002:7f00:1::]/',
  'http://[2002:a9fe:a9fe::]/',
  'http://[2001:0:7f00:1::]/',
  'http://[2001:db8::1]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[fc00::1]/',
  'http://[fd00:ec2::254]/',
  'http://[ff02::1]/',
  'http://[100::1]/',
  'http://[4000::1]/',
  'http://localhost/',
  'http://LOCALHOST/',
  'http://localhost./',
  'http://localhost../',
  'http://%6c%6fcalhost/',
  'http://ｌｏｃａｌｈｏｓｔ/',
  'http://app.localhost/',
  'http://localhost.localdomain/',
  'http://metadata.google.internal/',
  'http://printer.local/',
  'http://router.home.arpa/',
  'http://database/',
  'http://database./',
];

describe('a URL', () => {
  it.each(HIDDEN)('that leads nowhere public is refused, however it is written: %s', async (url) => {
    // Whatever a resolver would make of it.
    await expect(outgoing().check(url)).rejects.toThrow('its host is not public');
    await expect(outgoing().check(url.replace('http:', 'https:'))).rejects.toThrow('its host is not public');
    await expect(post(outgoing(), url)).rejects.toThrow('its host is not public');
  });

  it.each([
    ['ftp://example.com/', 'https://'],
    ['file:///etc/passwd', 'https://'],
    ['gopher://example.com/', 'https://'],
    ['javascript:alert(1)', 'https://'],
    ['https://user:pass@example.com/', 'user name'],
    ['https://user@example.com/', 'user name'],
    ['https://example.com@127.0.0.1/', 'user name'],
    ['https://example.com:22/', 'port'],
    ['https://example.com:25/', 'port'],
    ['https://example.com:0/', 'port'],
    ['//example.com/', 'not a URL'],
    ['https://127.0.0.1%2f/', 'not a URL'],
    ['https://[fe80::1%25eth0]/', 'not a URL'],
    ['', 'not a URL'],
  ])('%s is refused', async (url, why) => {
    await expect(outgoing().check(url)).rejects.toThrow(why);
    await expect(post(outgoing(), url)).rejects.toThrow(why);
  });

  it.each([
    'https://example.com/',
    'https://example.com./',
    'https://example.com:8443/a?b#c',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
    'https://[64:ff9b::1.1.1.1]/',
    'http://münchen.example.com/',
  ])('that is public is none of our business: %s', async (url) => {
    await outgoing().check(url);
  });

  it.each([['127.0.0.1'], ['::1'], [[PUBLIC, '10.0.0.7']], ['::ffff:192.168.0.1'], ['fe80::1%eth0'], ['0.0.0.0'], ['nonsense']])(
    'whose name leads to %j is refused',
    async (addresses) => {
      await expect(outgoing([], resolver(addresses)).check('https://example.com/')).rejects.toThrow('leads to an address');
      await expect(post(outgoing([], resolver(addresses)), 'https://example.com/')).rejects.toThrow('leads to an address');
    },
  );

  it('whose name nobody knows yet may be known later', async () => {
    await outgoing([], resolver([])).check('https://example.com/');
    await expect(post(outgoing([], resolver([])), 'https://example.com/')).rejects.toThrow('there was no answer (ENOTFOUND)');
  });

  it('must be https in production, but for what is listed', async () => {
    const production = { NODE_ENV: 'production' } as const;
    const requests = outgoing(['10.0.0.0/8', 'hooks.example.com'], resolver(PUBLIC), production);
    await expect(requests.check('http://example.com/')).rejects.toThrow('https://');
    await expect(requests.check('http://1.1.1.1/')).rejects.toThrow('https://');
    for (const url of ['https://example.com/', 'http://10.1.2.3/', 'http://hooks.example.com/']) await requests.check(url);
  });
});

describe('what is listed', () => {
  it.each([
    [['127.0.0.0/8'], 'http://2130706433/'],
    [['127.0.0.1'], 'http://[::ffff:127.0.0.1]/'],
    [['::1'], 'http://[0:0::1]/'],
    [['fd00::/8'], 'http://[fd12::1]/'],
    [['localhost'], 'http://LocalHost./'],
    [['Printer.local.'.replace(/\.$/, '')], 'http://printer.local/'],
  ])('%j is allowed: %s', async (allowed, url) => {
    await outgoing(allowed, resolver('127.0.0.1')).check(url);
  });

  it('by name is allowed wherever it leads; by range, whatever leads there', async () => {
    await outgoing(['hooks.example.com'], resolver('10.0.0.1')).check('https://hooks.example.com/');
    await outgoing(['10.0.0.0/8'], resolver('10.0.0.1')).check('https://hooks.example.com/');
    await expect(outgoing(['hooks.example.com'], resolver('10.0.0.1')).check('https://other.example.com/')).rejects.toThrow('not public');
    await expect(outgoing(['10.0.0.0/8'], resolver('10.0.0.1', '11.0.0.1')).check('http://192.168.0.1/')).rejects.toThrow('not public');
  });
});

describe('a request', () => {
  it('is refused when the name leads elsewhere than when it was checked (DNS rebinding)', async () => {
    const server = await aServer();
    const rebinding = resolver(PUBLIC, '127.0.0.1');
    const requests = outgoing([], rebinding);
    const url = `http://rebinding.example.com:${server.port}/`;
    await requests.check(url);
    await expect(post(requests, url)).rejects.toThrow('leads to an address that is not public');
    expect(rebinding.asked).toHaveLength(2);
    expect(server.asked).toEqual([]);
  });

  it('goes to the very address that was checked, which is asked for once', async () => {
    const server = await aServer();
    const rebinding = resolver('127.0.0.1', '127.0.0.2');
    const requests = outgoing(['127.0.0.1'], rebinding);
    expect(await post(requests, `http://example.com:${server.port}/a?b=c#d`)).toMatchObject({
      status: 200,
      body: 'hello',
      truncated: false,
    });
    expect(rebinding.asked).toEqual(['example.com']);
    expect(server.asked).toEqual(['/a?b=c']);
  });

  it('is not followed to where it is redirected', async () => {
    const inside = await aServer();
    const server = await aServer((_, response) => response.writeHead(307, { location: `http://127.0.0.1:${inside.port}/` }).end());
    const answer = await post(outgoing(['127.0.0.1']), `http://127.0.0.1:${server.port}/`);
    expect(answer).toMatchObject({ status: 307, headers: { location: expect.any(String) } });
    expect(inside.asked).toEqual([]);
  });

  it('ends with the reason it is told to end for', async () => {
    const server = await aServer(() => undefined);
    const controller = new AbortController();
    const answer = post(outgoing(['127.0.0.1']), `http://127.0.0.1:${server.port}/`, { signal: controller.signal });
    const reason = new Error('the process stops');
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  it('that gets no answer says why, and not from where', async () => {
    const hanging = await aServer(() => undefined);
    const requests = outgoing(['127.0.0.1']);
    await expect(post(requests, `http://127.0.0.1:${hanging.port}/`, { timeoutMs: 50 })).rejects.toThrow(
      /^there was no answer within 50 ms$/,
    );
    await expect(post(requests, 'http://127.0.0.1:1/'.replace(':1/', ':1025/'))).rejects.toThrow(/^there was no answer \(ECONNREFUSED\)$/);
    const resetting = await aServer((request) => request.socket.destroy());
    await expect(post(requests, `http://127.0.0.1:${resetting.port}/`)).rejects.toThrow(/^there was no answer \(\w+\)$/);
  });
});
