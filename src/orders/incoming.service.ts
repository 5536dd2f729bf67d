import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { Handles } from '#jobs';
import { DisputesService } from '../payments/disputes.service.js';
import { type IncomingEvent, type IncomingEventPayload, InboxService, workOffPaymentEvent } from '../payments/inbox.service.js';
import { ChargesService } from './charges.service.js';
import { ReturnsService } from './returns.service.js';

/** What payment providers say. An event only says what to look at: how that stands is asked, so it does not matter in what order they come. */
@Injectable()
export class IncomingService {
  constructor(
    private readonly inbox: InboxService,
    private readonly charges: ChargesService,
    private readonly returns: ReturnsService,
    private readonly disputes: DisputesService,
  ) {}

  @Handles(workOffPaymentEvent)
  async workOff({ eventId }: IncomingEventPayload): Promise<void> {
    const event = await this.inbox.waiting(eventId);
    if (event === null) return;
    const close = (db: Tx) => this.inbox.close(eventId, 'done', db);
    if (!(await this.heed(event, close))) await this.inbox.close(eventId, 'ignored');
  }

  /** Whether it was about something of ours. */
  private heed(event: IncomingEvent, close: (db: Tx) => Promise<void>): Promise<boolean> {
    if (event.about === 'refund') return this.returns.hear(event, close);
    if (event.about === 'dispute') return this.disputes.hear(event, close);
    return this.charges.hear(event, close);
  }
}
