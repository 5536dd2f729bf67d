import { Injectable } from '@nestjs/common';
import { unknownMethod, unknownProvider } from './payments.errors.js';
import type { PaymentProvider } from './payments.rules.js';
import { SandboxService } from './sandbox.service.js';
import { StripeService } from './stripe.service.js';

/** Who has the money: which providers there are, and which of them takes a method. */
@Injectable()
export class ProvidersService {
  private readonly all: readonly PaymentProvider[];

  constructor(sandbox: SandboxService, stripe: StripeService) {
    this.all = [sandbox, stripe];
  }

  /** The one that takes this method here. @throws payments/unknown-method */
  taking(method: string): PaymentProvider {
    const provider = this.all.find((one) => one.enabled && one.takes(method));
    if (provider !== undefined) return provider;
    throw unknownMethod('This installation has no such payment method.', {
      fields: [{ pointer: '/method', code: 'unknown', detail: 'is not a payment method here' }],
    });
  }

  /** The one of this name whose webhooks are taken here. @throws payments/unknown-provider */
  hearing(name: string): PaymentProvider {
    const provider = this.all.find((one) => one.enabled && one.name === name);
    if (provider === undefined) throw unknownProvider('This installation has no payment provider of this name.');
    return provider;
  }

  /** The one that has a payment, even if no new ones are made with it. */
  of({ provider: name }: { provider: string }): PaymentProvider {
    const provider = this.all.find((one) => one.name === name);
    if (provider === undefined) throw new Error(`a payment was made with ${name}, which no provider is called`);
    return provider;
  }
}
