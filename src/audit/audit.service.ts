import { Injectable } from '@nestjs/common';
import { audited, record, type Verification, Verifier } from '#audit';
import { PrismaService } from '#database';
import { type Page, readCursor, toPage, validationFailed } from '#http';
import type { Actor } from '#security';
import type { ListAuditQuery, VerifyAuditQuery } from './audit.dto.js';
import { type ListedEntry, listEntries } from './audit.queries.js';

const auditedReading = audited('audit-log', {
  actor: 'plain',
  person: 'plain',
  action: 'plain',
  resource: 'personal',
  from: 'plain',
  to: 'plain',
});
const auditedVerification = audited('audit-log', { verified: 'plain', position: 'plain', head: 'plain', brokenAt: 'plain' });

/** Reading and proving the audit log. Who did either is written into it. */
@Injectable()
export class AuditService {
  private verifying: Promise<Verification> | undefined;

  constructor(
    private readonly prisma: PrismaService,
    private readonly verifier: Verifier,
  ) {}

  async list(actor: Actor, query: ListAuditQuery): Promise<Page<ListedEntry>> {
    const entries = await listEntries(this.prisma, query, readCursor(query.cursor, query.sort, 'time'));
    await record(this.prisma, { actor, action: 'audit.read', resource: auditedReading('entries'), after: query });
    return toPage(
      entries,
      query,
      (entry) => entry.createdAt,
      (entry) => entry,
    );
  }

  async verify(actor: Actor, { position, head }: VerifyAuditQuery): Promise<Verification> {
    if ((position === undefined) !== (head === undefined))
      throw validationFailed('position and head belong together: give both as an earlier answer gave them, or neither.', {
        fields: [{ pointer: position === undefined ? '?position' : '?head', code: 'required', detail: 'goes with the other of the two' }],
      });
    const kept = position === undefined || head === undefined ? undefined : { position: BigInt(position), head: head.toLowerCase() };
    const verification = await (kept ? this.verifier.verify(kept) : this.verifyOnce());
    await record(this.prisma, {
      actor,
      action: 'audit.verified',
      resource: auditedVerification('chain'),
      after: verification,
      outcome: verification.verified ? 'succeeded' : 'failed',
    });
    return verification;
  }

  /** It reads everything: who asks meanwhile gets the same answer. */
  private verifyOnce(): Promise<Verification> {
    this.verifying ??= this.verifier.verify().finally(() => (this.verifying = undefined));
    return this.verifying;
  }
}
