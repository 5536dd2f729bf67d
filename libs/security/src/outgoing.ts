import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Env } from '#config';
import type { Agent, buildConnector, Dispatcher } from 'undici';
import { AllowedHosts, isPrivateName, isPublicAddress, plainHost } from './outgoing-addresses.js';

/** A request that is not made: where it leads, we do not go. The message holds neither the address nor anything the caller did not write. */
export class OutgoingRefused extends Error {
  override readonly name = 'OutgoingRefused';
}

/** There was no answer. The message says why, and names no address. */
export class OutgoingFailed extends Error {
  override readonly name = 'OutgoingFailed';
}

export interface OutgoingRequest {
  url: string;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** For all of it: name, connection, TLS, and the answer. */
  timeoutMs: number;
  /** So much of the answer's body is read. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface OutgoingAnswer {
  /** Of whatever kind; a redirection is an answer, too, and is not followed. */
  status: number;
  /** Lower-case names; of a header that came several times, the first. */
  headers: Record<string, string>;
  /** As UTF-8, broken off after `maxBytes`. */
  body: string;
  truncated: boolean;
}

/** The addresses of a name. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

const CHECK_MS = 3_000;
const SYSTEM: Resolve = (hostname) => systemLookup(hostname, { all: true });

/**
 * Requests to where somebody else has said: to the public Internet, and to what OUTGOING_ALLOWED_HOSTS adds to it. A name is resolved once for
 * each connection, its addresses are checked, and the connection goes to those very addresses, so it does not help to answer differently the
 * next time. Redirections are not followed, and the proxies of the environment (HTTPS_PROXY) are not heeded: behind one, nothing would be checked.
 * The library that makes them is loaded with the first: it is large.
 */
export class OutgoingRequests implements OnApplicationShutdown {
  private readonly allowed: AllowedHosts;
  private readonly plainHttp: boolean;
  private agent: Promise<Agent> | undefined;

  constructor(
    env: Env,
    private readonly resolve: Resolve = SYSTEM,
  ) {
    this.allowed = new AllowedHosts(env.OUTGOING_ALLOWED_HOSTS);
    this.plainHttp = !env.isProduction;
  }

  /**
   * Whether requests may go there, as far as it can be said now; a name that nobody knows yet may. Each request asks again.
   * @throws OutgoingRefused
   */
  async check(url: string): Promise<void> {
    const host = this.hostOf(url);
    if (isIP(host) !== 0) return;
    const found = await Promise.race([this.resolve(host), sleep(CHECK_MS, [], { ref: false })]).catch((): LookupAddress[] => []);
    this.refuseUnlessAllowed(host, found);
  }

  /**
   * Makes one request. An answer whose status has arrived is an answer, even if its body does not end.
   * @throws OutgoingRefused, OutgoingFailed; the signal's reason
   */
  async send(request: OutgoingRequest): Promise<OutgoingAnswer> {
    this.hostOf(request.url);
    try {
      return await this.exchange(request);
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      throw failureOf(error, request) ?? error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await (await this.agent)?.destroy();
  }

  private async exchange({ url, method, headers, body, timeoutMs, maxBytes, signal }: OutgoingRequest): Promise<OutgoingAnswer> {
    const { origin, pathname, search } = new URL(url);
    this.agent ??= this.makeAgent();
    const answer = await (
      await this.agent
    ).request({
      origin,
      path: pathname + search,
      method,
      headers,
      body: body ?? null,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headersTimeout: 0, // the signal covers all of it
      bodyTimeout: 0,
    });
    const read = await beginningOf(answer.body, maxBytes);
    signal.throwIfAborted();
    return { status: answer.statusCode, headers: firstOf(answer.headers), ...read };
  }

  /** The host of a URL that may be asked, by all that its spelling tells. `URL` has read decimal, octal, hexadecimal and full-width addresses. */
  private hostOf(text: string): string {
    if (!URL.canParse(text)) throw new OutgoingRefused('it is not a URL');
    const url = new URL(text);
    const host = plainHost(url.hostname);
    const listed = isIP(host) === 0 ? this.allowed.hasName(host) : this.allowed.hasAddress(host);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new OutgoingRefused('it must begin with https://');
    if (url.protocol === 'http:' && !this.plainHttp && !listed) throw new OutgoingRefused('it must begin with https://');
    if (url.username !== '' || url.password !== '') throw new OutgoingRefused('it must not hold a user name or a password');
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    if (port !== 80 && port !== 443 && port < 1_024) throw new OutgoingRefused('its port must be 80, 443 or above 1023');
    if (!listed && (isIP(host) === 0 ? isPrivateName(host) : !isPublicAddress(host))) throw new OutgoingRefused('its host is not public');
    return host;
  }

  /** One address that is not public condemns the name: which of them a connection takes is not ours to say. */
  private refuseUnlessAllowed(host: string, found: readonly LookupAddress[]): void {
    if (this.allowed.hasName(host)) return;
    if (!found.every(({ address }) => isPublicAddress(address) || this.allowed.hasAddress(address)))
      throw new OutgoingRefused('its name leads to an address that is not public');
  }

  private async makeAgent(): Promise<Agent> {
    const { Agent, buildConnector } = await import('undici');
    return new Agent({ connect: this.connector(buildConnector), maxHeaderSize: 16_384 });
  }

  /** Connects to the addresses that were checked. Of an address there is no look-up: `hostOf` has checked it. */
  private connector(build: typeof buildConnector): buildConnector.connector {
    const lookup: LookupFunction = (hostname, { all }, callback) => {
      const host = plainHost(hostname);
      this.resolve(host).then(
        (found) => {
          try {
            this.refuseUnlessAllowed(host, found);
          } catch (error) {
            return callback(error as Error, []);
          }
          const [first] = found;
          if (first === undefined) return callback(new Error(`ENOTFOUND: nobody knows the name`), []);
          return all ? callback(null, found) : callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    };
    return build({ lookup, allowH2: false });
  }
}

/** What a request failed with that is the network's or the receiver's doing; null for what is ours. */
function failureOf(error: unknown, { timeoutMs }: OutgoingRequest): OutgoingFailed | null {
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === 'TimeoutError') return new OutgoingFailed(`there was no answer within ${timeoutMs} ms`, { cause: error });
  if (name === 'HTTPParserError') return new OutgoingFailed('the answer is not HTTP', { cause: error });
  if (typeof code !== 'string' || code.startsWith('UND_ERR_INVALID')) return null;
  return new OutgoingFailed(`there was no answer (${code})`, { cause: error });
}

type Body = Dispatcher.ResponseData['body'];

/** Reads a body's beginning and lets go of the rest. That it breaks off, or takes too long, does not undo the answer. */
async function beginningOf(body: Body, maxBytes: number): Promise<{ body: string; truncated: boolean }> {
  const chunks: Buffer[] = [];
  const whole = await readInto(chunks, body, maxBytes);
  return { body: new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes)), truncated: !whole };
}

/** Whether that was all of it. */
async function readInto(chunks: Buffer[], body: Body, maxBytes: number): Promise<boolean> {
  let size = 0;
  body.on('error', () => undefined); // destroyed, it says so once more
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) return false; // which destroys it, and its connection
    }
    return true;
  } catch {
    return false; // reset, or out of time: the status had come
  }
}

function firstOf(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, [value].flat()[0]!]])));
}
