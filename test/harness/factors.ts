import { TOTP } from 'otpauth';
import { FactorsService } from '../../src/auth/factors.service.js';
import { type TestApp } from './app.js';
import { Authenticator } from './authenticator.js';
import { actorOf, type Person } from './people.js';

/** What an authenticator app shows just now; `step` steps of 30 seconds later. */
export function codeOf(secret: string, step = 0): string {
  return new TOTP({ secret }).generate({ timestamp: Date.now() + step * 30_000 });
}

/** A code that is none of those taken just now. */
export function wrongCode(secret: string): string {
  const right = [-2, -1, 0, 1, 2].map((step) => codeOf(secret, step));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !right.includes(code))!;
}

/** Gives somebody an authenticator app, whose code of just now is still good. */
export async function aTotp(app: TestApp, person: Person): Promise<{ secret: string; recoveryCodes: string[] }> {
  const factors = app.get(FactorsService);
  const { secret } = await factors.beginTotp(actorOf(person));
  const recoveryCodes = await factors.confirmTotp(actorOf(person), codeOf(secret));
  await refreshCodes(app, person);
  return { secret, recoveryCodes };
}

/** As if the codes of just now had not been used yet: no test waits for the next half minute. */
export async function refreshCodes(app: TestApp, { id }: Person): Promise<void> {
  await app.prisma.totpSecret.update({ where: { userId: id }, data: { lastStep: 0 } });
}

interface RegisteredPasskey {
  id: string;
  recoveryCodes: string[] | null;
}

/** Registers a passkey over HTTP, in an authenticator of its own. */
export async function aPasskey(
  { request }: Pick<TestApp, 'request'>,
  { accessToken: token }: Person,
  authenticator = new Authenticator(),
): Promise<{ authenticator: Authenticator; passkey: RegisteredPasskey }> {
  const options = await request<{ challenge: string; user: { id: string } }>('POST', 'auth/passkeys/registration/options', { token });
  const body = { ...authenticator.create(options.body), name: 'My phone' };
  const answer = await request<RegisteredPasskey>('POST', 'auth/passkeys/registration', { token, body });
  if (answer.status !== 201) throw new Error(answer.text);
  return { authenticator, passkey: answer.body };
}

/** What the authenticator answers to options that were just asked for. */
export async function anAssertion({ request }: Pick<TestApp, 'request'>, authenticator: Authenticator, wrong = {}) {
  const options = await request<{ challenge: string }>('POST', 'auth/passkeys/login/options');
  return authenticator.get(options.body, wrong);
}
