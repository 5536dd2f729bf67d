import { Injectable } from '@nestjs/common';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { type AuditedResource, pseudonym, record } from '#audit';
import { Env } from '#config';
import { execute, isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { senderOf } from '#mail';
import type { Actor } from '#security';
import type { User } from '../users/users.service.js';
import { CodesService } from './codes.service.js';
import { factorAdded, factorRemoved } from './factors.events.js';
import { changingFactors, methodsOf } from './factors.queries.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { invalidPasskey, passkeyNotFound, passkeyRefused, passkeyTaken, tooManyPasskeys } from './passkeys.errors.js';
import { challengeIn, type RelyingParty, relyingPartyOf, userHandleOf } from './passkeys.rules.js';

export type Passkey = Prisma.PasskeyGetPayload<object>;

/** A passkey that has just been registered; codes come with the first second factor. */
export interface RegisteredPasskey {
  passkey: Passkey;
  recoveryCodes: string[] | null;
}

/** What an assertion is to allow. */
interface Assertion {
  /** Whose passkey it must be; null at a login, where it says who comes. */
  userId: string | null;
  purpose: 'auth.login' | 'auth.step-up';
  actor: Actor | null;
}

const REGISTRATION = 'passkey:registration';
const ASSERTION = 'passkey:assertion';
const TTL_SECONDS = 300;
const MOST_PASSKEYS = 20;

/** Heavy (ASN.1, CBOR), and needed only where somebody uses a passkey. */
const webauthn = () => import('@simplewebauthn/server');

/**
 * Passkeys (WebAuthn Level 3). A challenge is a one-time token, good for one ceremony within five minutes; every ceremony verifies the
 * user, so that a passkey alone is two factors.
 */
@Injectable()
export class PasskeysService {
  private readonly rp: RelyingParty;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly tokens: OneTimeTokensService,
    private readonly codes: CodesService,
  ) {
    this.rp = relyingPartyOf(env);
  }

  async registrationOptions(actor: Actor): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const { generateRegistrationOptions } = await webauthn();
    const user = await this.prisma.user.findUniqueOrThrow({ where: { id: actor.id }, include: { passkeys: true } });
    const about = { userId: actor.id, data: { sessionId: actor.sessionId } };
    const challenge = await this.tokens.issue({ purpose: REGISTRATION, ...about, seconds: TTL_SECONDS });
    return generateRegistrationOptions({
      rpName: senderOf(this.env.MAIL_FROM!).name,
      rpID: this.rp.id,
      userID: userHandleOf(user.id),
      userName: user.email,
      userDisplayName: user.name,
      challenge: bytesOf(challenge),
      timeout: TTL_SECONDS * 1_000,
      attestationType: 'none',
      excludeCredentials: user.passkeys.map(({ credentialId, transports }) => ({ id: credentialId, transports })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
  }

  /** @throws auth/passkey-refused, auth/passkey-taken, auth/too-many-passkeys */
  async register(actor: Actor, answer: RegistrationResponseJSON, name: string): Promise<RegisteredPasskey> {
    const challenge = challengeIn(answer.response.clientDataJSON);
    const grant = challenge === null ? null : await this.tokens.redeem(REGISTRATION, challenge);
    if (challenge === null || grant?.userId !== actor.id || grant.data['sessionId'] !== actor.sessionId)
      throw passkeyRefused('The challenge was not made for this session, was used before or has expired; ask for new options.');
    const { credential, credentialBackedUp: backedUp } = await this.verifyRegistration(answer, challenge);
    const { id: credentialId, transports = [], publicKey, counter } = credential;
    return transaction(this.prisma, (db) =>
      changingFactors(actor.id, db, async () => {
        const hadFactors = await methodsOf(actor.id, db);
        if ((await db.passkey.count({ where: { userId: actor.id } })) >= MOST_PASSKEYS)
          throw tooManyPasskeys(`You have ${MOST_PASSKEYS} passkeys; remove one first.`);
        const data = { userId: actor.id, credentialId, publicKey, counter, transports: transports.slice(0, 10), backedUp, name };
        const passkey = await db.passkey.create({ data }).catch((error: unknown) => {
          if (isUniqueViolation(error, 'passkeys_credential_id_key')) throw passkeyTaken('This passkey is registered here already.');
          throw error;
        });
        await record(db, { actor, action: 'auth.passkey-added', resource: passkeyResource(passkey.id), subject: actor.id });
        await publish(db, factorAdded, { userId: actor.id, factor: 'passkey' }, aboutUser(actor));
        return { passkey, recoveryCodes: hadFactors.length > 0 ? null : await this.codes.renew(actor.id, actor, db) };
      }),
    );
  }

  /** For whoever holds a passkey: which one, and whose, it says itself. */
  async assertionOptions(): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const { generateAuthenticationOptions } = await webauthn();
    const challenge = await this.tokens.issue({ purpose: ASSERTION, seconds: TTL_SECONDS });
    return generateAuthenticationOptions({
      rpID: this.rp.id,
      challenge: bytesOf(challenge),
      timeout: TTL_SECONDS * 1_000,
      userVerification: 'required',
    });
  }

  /**
   * Does what an assertion allows, in the transaction that counts it. Its challenge is used up, whatever comes of it.
   * @throws auth/invalid-passkey
   */
  async prove<T>(
    answer: AuthenticationResponseJSON,
    { userId, purpose, actor }: Assertion,
    then: (db: Tx, user: User) => Promise<T>,
  ): Promise<T> {
    const challenge = challengeIn(answer.response.clientDataJSON);
    const fresh = challenge !== null && (await this.tokens.redeem(ASSERTION, challenge)) !== null;
    const passkey = await this.prisma.passkey.findUnique({ where: { credentialId: answer.id }, include: { user: true } });
    const owner = passkey?.user ?? null;
    const refuse = async (action: `auth.${string}`): Promise<never> => {
      const subject = owner?.id ?? userId;
      const resource = passkey === null ? { type: 'credential', id: pseudonym(this.prisma, answer.id) } : passkeyResource(passkey.id);
      await record(this.prisma, { actor, action, resource, subject, outcome: 'failed' });
      throw invalidPasskey('The passkey is not accepted here; ask for new options and try again.');
    };
    if (!fresh || passkey === null || owner?.status !== 'active' || (userId !== null && owner.id !== userId))
      return refuse(`${purpose}-failed`);
    const counted = await this.verifyAssertion(answer, challenge, passkey);
    if (counted === null) return refuse(`${purpose}-failed`);
    const outcome = await transaction(this.prisma, async (db) => {
      // A counter that does not go up is a copy's (WebAuthn, 6.1.1), unless the authenticator does not count at all.
      const taken = await execute(
        db,
        Prisma.sql`UPDATE passkeys SET counter = ${counted.newCounter}, backed_up = ${counted.credentialBackedUp}, last_used_at = now()
          WHERE id = ${passkey.id}::uuid AND (counter < ${counted.newCounter} OR (counter = 0 AND ${counted.newCounter}::bigint = 0))`,
      );
      return taken === 0 ? null : { result: await then(db, owner) };
    });
    return outcome === null ? refuse('auth.passkey-counter-reversed') : outcome.result;
  }

  async list(actor: Actor): Promise<Passkey[]> {
    return this.prisma.passkey.findMany({ where: { userId: actor.id }, orderBy: { id: 'asc' } });
  }

  async remove(actor: Actor, id: string): Promise<void> {
    await transaction(this.prisma, (db) =>
      changingFactors(actor.id, db, async () => {
        const { count } = await db.passkey.deleteMany({ where: { id, userId: actor.id } });
        if (count === 0) {
          const others = await db.passkey.count({ where: { id } });
          throw passkeyNotFound('You have no passkey with this id.', { concealed: others > 0 });
        }
        await record(db, { actor, action: 'auth.passkey-removed', resource: passkeyResource(id), subject: actor.id });
        await publish(db, factorRemoved, { userId: actor.id, factor: 'passkey' }, aboutUser(actor));
      }),
    );
  }

  private async verifyRegistration(response: RegistrationResponseJSON, expectedChallenge: string) {
    const { verifyRegistrationResponse } = await webauthn();
    const verified = await verifyRegistrationResponse({ response, expectedChallenge, ...this.expected() }).catch(refusedByLibrary);
    if (!verified?.verified)
      throw passkeyRefused('The authenticator answered for another site, or did not verify its user; ask for new options and try again.');
    return verified.registrationInfo;
  }

  private async verifyAssertion(
    response: AuthenticationResponseJSON,
    expectedChallenge: string,
    { credentialId, publicKey, userId }: Passkey,
  ) {
    const { userHandle } = response.response;
    if (userHandle !== undefined && userHandle !== Buffer.from(userHandleOf(userId)).toString('base64url')) return null;
    const { verifyAuthenticationResponse } = await webauthn();
    // Its counter is compared by the statement that takes it, so that two at once are compared, too.
    const credential = { id: credentialId, publicKey: new Uint8Array(publicKey), counter: 0 };
    const checked = { response, expectedChallenge, credential, ...this.expected() };
    const verified = await verifyAuthenticationResponse(checked).catch(refusedByLibrary);
    return verified?.verified ? verified.authenticationInfo : null;
  }

  private expected() {
    return { expectedOrigin: this.rp.origins, expectedRPID: this.rp.id, requireUserVerification: true };
  }
}

const passkeyResource = (id: string): AuditedResource => ({ type: 'passkey', id });
const aboutUser = (actor: Actor) => ({ actor, resource: { type: 'user', id: actor.id }, subject: actor.id });
const bytesOf = (challenge: string) => new Uint8Array(Buffer.from(challenge, 'base64url'));

/** The library touches nothing but what it is given, and throws for everything that does not fit: that is its answer. */
const refusedByLibrary = (): null => null;
