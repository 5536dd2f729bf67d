import type { AuthenticationResponseJSON } from '@simplewebauthn/server';

/** What a passkey answers to a challenge, as browsers' `toJSON` writes it; members that a browser leaves out may be null. */
export interface AssertionMembers {
  id?: string;
  rawId?: string;
  type?: 'public-key';
  response?: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle?: string | null };
  authenticatorAttachment?: string | null;
  clientExtensionResults?: object;
}

/** The members of a body by which somebody proves who they are: one kind of proof at a time. */
export interface ProofMembers extends AssertionMembers {
  password?: string;
  code?: string;
  recoveryCode?: string;
}

export type Proof =
  | { kind: 'password'; password: string }
  | { kind: 'code'; code: string }
  | { kind: 'recovery-code'; recoveryCode: string }
  | { kind: 'passkey'; assertion: AuthenticationResponseJSON };

/** By what a session begins; `at`: when that was, where somebody else says so. */
export interface Proven {
  by: Proof['kind'] | 'identity' | 'registration';
  at?: Date;
}

/** The one proof that a body holds; null when there is none, more than one, or a part of one. */
export function proofIn({ password, code, recoveryCode, ...assertion }: ProofMembers): Proof | null {
  const proofs: (Proof | null)[] = [];
  if (password !== undefined) proofs.push({ kind: 'password', password });
  if (code !== undefined) proofs.push({ kind: 'code', code });
  if (recoveryCode !== undefined) proofs.push({ kind: 'recovery-code', recoveryCode });
  if (Object.values(assertion).some((member) => member !== undefined))
    proofs.push(isWhole(assertion) ? { kind: 'passkey', assertion: assertionOf(assertion) } : null);
  return proofs.length === 1 ? proofs[0]! : null;
}

type WholeAssertion = AssertionMembers & Required<Pick<AssertionMembers, 'id' | 'rawId' | 'type' | 'response'>>;

function isWhole(assertion: AssertionMembers): assertion is WholeAssertion {
  const { id, rawId, type, response } = assertion;
  return id !== undefined && rawId !== undefined && type !== undefined && response !== undefined;
}

/** As the library takes it: without what browsers may leave out. */
export function assertionOf({ id, rawId, type, response }: WholeAssertion): AuthenticationResponseJSON {
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  const given = { clientDataJSON, authenticatorData, signature, ...(typeof userHandle === 'string' && { userHandle }) };
  return { id, rawId, type, response: given, clientExtensionResults: {} };
}
