import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { FileUpload, fileTooLarge, Problems, TakesBytes, Unlimited, Upload, uploadMalformed } from '#http';
import { Public } from '#security';
import { InboxService } from './inbox.service.js';
import { badSignature, unknownProvider } from './payments.errors.js';

@Controller('payments/webhooks')
export class PaymentWebhooksController {
  constructor(private readonly inbox: InboxService) {}

  /**
   * Take an event of a payment provider
   *
   * Only the provider can call it: the body is signed, as the provider signs (Stripe: `Stripe-Signature`; the simulator: Standard Webhooks). Each
   * event counts once, in whatever order they come; it is written down, answered, and worked off afterwards.
   */
  @Post(':provider')
  @Public({ credentials: 'ignored' })
  @Unlimited()
  @HttpCode(204)
  @TakesBytes()
  @Problems(unknownProvider, badSignature, uploadMalformed, fileTooLarge)
  async receive(@Param('provider') provider: string, @Upload() upload: FileUpload): Promise<void> {
    await this.inbox.receive(provider, await upload.text(MOST_BYTES), (name) => upload.header(name));
  }
}

/** Stripe's largest events have some tens of kilobytes. */
const MOST_BYTES = 524_288;
