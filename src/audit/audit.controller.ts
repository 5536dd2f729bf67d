import { Controller, Get, Query } from '@nestjs/common';
import { Actor, Caller, Requires } from '#security';
import { AuditEntryList, AuditEntryResponse, ListAuditQuery, VerificationResponse, VerifyAuditQuery } from './audit.dto.js';
import { AuditService } from './audit.service.js';

@Controller('audit')
@Requires('audit:read')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  /**
   * Who did what, newest first
   *
   * Every security event, denial, act of staff and change of a resource, with what changed. Secrets are never kept; values about somebody
   * whose data was erased cannot be read any more. Reading the log is written down in it.
   */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListAuditQuery): Promise<AuditEntryList> {
    const page = await this.audit.list(actor, query);
    return { ...page, items: page.items.map(AuditEntryResponse.from) };
  }

  /**
   * Prove that nobody changed the log
   *
   * Reads the whole chain and names the first entry that was altered, inserted, moved or is missing. Keep `position` and `head` of an
   * answer in another place: given here later, they also show a chain that was cut off at its end or made anew.
   */
  @Get('verification')
  async verify(@Caller() actor: Actor, @Query() kept: VerifyAuditQuery): Promise<VerificationResponse> {
    return VerificationResponse.from(await this.audit.verify(actor, kept));
  }
}
