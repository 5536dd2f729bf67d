import { Injectable } from '@nestjs/common';
import { Handles } from '#jobs';
import { InboxService } from './inbox.service.js';
import { deliverSandboxEvent, type DeliverPayload } from './sandbox.jobs.js';
import { SandboxService } from './sandbox.service.js';

/** Brings the simulator's webhooks to where `POST /payments/webhooks/sandbox` brings those of others: signed, and checked there. */
@Injectable()
export class SandboxWebhooksService {
  constructor(
    private readonly sandbox: SandboxService,
    private readonly inbox: InboxService,
  ) {}

  @Handles(deliverSandboxEvent)
  async deliver({ body }: DeliverPayload): Promise<void> {
    const headers = this.sandbox.sign(body, new Date());
    await this.inbox.receive(this.sandbox.name, body, (name) => headers[name]);
  }
}
