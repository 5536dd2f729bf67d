import { readFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { OutgoingFailed, OutgoingRefused, OutgoingRequests } from '#security';
import { Logger } from '#telemetry';
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { weakPassword } from './auth.errors.js';
import { countIn, rangeOf } from './breached-passwords.rules.js';
import { isCommon } from './common-passwords.rules.js';
import { weakness } from './passwords.rules.js';

/** Whose password it is to be; what it is made of must not be theirs. */
export interface PasswordOwner {
  name: string;
  email: string;
}

export interface PasswordContext {
  /** The member of the body it came as. */
  member?: string;
  /** Whether logging in asks for a second factor, too; then the password may be shorter. */
  secondFactor?: boolean;
}

const BREACHED_MS = 2_000;
const BREACHED_BYTES = 200_000;
/** The meter's time grows with the square of what it reads; of a password that is refused anyway, the beginning tells enough. */
const MEASURED = 64;

/** Which passwords nobody may have, and what to do instead. Lists and meter are loaded when they are first needed. */
@Injectable()
export class WeakPasswordsService {
  private common: Promise<Buffer> | undefined;
  private meter: Promise<ZxcvbnFactory> | undefined;

  constructor(
    private readonly env: Env,
    private readonly outgoing: OutgoingRequests,
    private readonly logger: Logger,
  ) {}

  /** @throws auth/weak-password with advice and the meter's score */
  async refuse(password: string, owner: PasswordOwner, { member = 'password', secondFactor = false }: PasswordContext = {}): Promise<void> {
    const advice = weakness(password, owner, { secondFactor }) ?? (await this.notoriety(password));
    if (advice === null) return;
    const { score, suggestions } = await this.measure(password, owner);
    throw weakPassword(advice, { fields: [{ pointer: `/${member}`, code: 'weak', detail: advice, score, suggestions }] });
  }

  private async notoriety(password: string): Promise<string | null> {
    this.common ??= readFile(new URL('./common-passwords.bin', import.meta.url));
    if (isCommon(await this.common, password))
      return 'It is one of the most common passwords, or made of one; use words that do not belong together.';
    if (await this.isBreached(password)) return 'It has turned up in a data breach, so attackers will try it; choose another one.';
    return null;
  }

  /** A service that does not answer refuses no password: its being away must not keep anybody from registering. */
  private async isBreached(password: string): Promise<boolean> {
    if (this.env.AUTH_PASSWORDS_BREACHED_URL === undefined) return false;
    const { prefix, suffix } = rangeOf(password);
    try {
      const { status, body } = await this.outgoing.send({
        url: this.env.AUTH_PASSWORDS_BREACHED_URL + prefix,
        method: 'GET',
        headers: { 'Add-Padding': 'true', 'User-Agent': 'ashlar' },
        timeoutMs: BREACHED_MS,
        maxBytes: BREACHED_BYTES,
        signal: new AbortController().signal,
      });
      if (status === 200) return countIn(body, suffix) > 0;
      this.logger.warn({ status }, 'The service for breached passwords did not answer; a password was not looked up');
    } catch (error) {
      if (!(error instanceof OutgoingFailed || error instanceof OutgoingRefused)) throw error;
      this.logger.warn({ err: error }, 'The service for breached passwords did not answer; a password was not looked up');
    }
    return false;
  }

  private async measure(password: string, { name, email }: PasswordOwner): Promise<{ score: number; suggestions: string[] }> {
    this.meter ??= loadMeter();
    const { score, feedback } = (await this.meter).check([...password].slice(0, MEASURED).join(''), [name, email]);
    return { score, suggestions: [feedback.warning, ...feedback.suggestions].filter((text): text is string => Boolean(text)) };
  }
}

/** Without the English dictionary, which alone would take 40 MB: the list of common passwords is enough to give advice. */
async function loadMeter(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory: Factory }, { dictionary, adjacencyGraphs }, { default: translations }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en/dist/translations.mjs'),
  ]);
  return new Factory({ dictionary, graphs: adjacencyGraphs, translations });
}
